import { createServer } from "node:http";
import { Server } from "socket.io";
import { publishing } from "./common.mjs";

const server = createServer((request, response) => publishing(request, response, (text) => io.emit("item", text)));
const io = new Server(server, { transports: ["websocket"], serveClient: false });
server.listen(Number(process.argv[2]), "127.0.0.1", 4096);
