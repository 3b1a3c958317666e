import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { publishing } from "./common.mjs";

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
const server = createServer((request, response) =>
  publishing(request, response, (text) => { for (const client of sockets.clients) client.send(text); }));
server.on("upgrade", (request, socket, head) => sockets.handleUpgrade(request, socket, head, (client) => sockets.emit("connection", client, request)));
server.listen(Number(process.argv[2]), "127.0.0.1", 4096);
