/** The least that a server can do with a question: answer JSON of the size that it was told. */
import { createServer } from 'node:http';

const bytes = Number(process.env['BODY_BYTES'] ?? 500);
const text = JSON.stringify({ text: 'x'.repeat(Math.max(0, bytes - '{"text":""}'.length)) });

const server = createServer((_req, res) => {
  res.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) });
  res.end(text);
});
server.keepAliveTimeout = 65_000;
server.listen(Number(process.env['PORT']), '127.0.0.1', 4_096);
