import { createServer } from "node:http";
import { publishing } from "./common.mjs";

const readers = new Set();
createServer((request, response) => {
  if (request.url.startsWith("/publish"))
    return publishing(request, response, (text, number) => {
      const block = `id: ${number}\ndata: ${text}\n\n`;
      for (const reader of readers) reader.write(block);
    });
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.flushHeaders();
  readers.add(response);
  request.on("close", () => readers.delete(response));
}).listen(Number(process.argv[2]), "127.0.0.1", 4096);
