/** The least that a server can do with a heartbeat: read the body, parse it, answer a small JSON. */
import { createServer } from 'node:http';

const server = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    const beat = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { sequence?: number };
    const text = `{"accepted":1,"sequence":${beat.sequence ?? 0}}`;
    res.writeHead(202, { 'content-type': 'application/json; charset=utf-8', 'content-length': text.length });
    res.end(text);
  });
});
server.keepAliveTimeout = 65_000;
server.listen(Number(process.env['PORT']), '127.0.0.1', 4_096);
