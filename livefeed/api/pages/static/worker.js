// The hub for all tabs of this browser, in a SharedWorker.

import { Hub, admit } from "./sharing.js";

const hub = new Hub();

addEventListener("connect", (/** @type {any} */ { ports: [port] }) => {
  let leave = () => {};
  port.onmessage = ({ data }) => {
    if (data.attach) leave = admit(hub, data.attach, (news) => port.postMessage(news));
    else if (data.wake) hub.wake();
    else if (data.detach) leave();
  };
});
