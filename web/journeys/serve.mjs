// Serves dist/ and passes everything else on to a node: what the node's own port does, for a node that was built without the page.
import { existsSync, readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const KINDS = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

export function serve(nodePort, port = 0) {
  const sockets = new Set();
  const server = createServer((asked, answer) => {
    const { pathname: path } = new URL(asked.url, 'http://page');
    // The door of a gateway on the node's port has paths of its own.
    const isDoor = /^\/(v1|admin)\//.test(path);
    if (asked.method !== 'GET' || isDoor) {
      const passed = request(
        {
          host: '127.0.0.1',
          port: nodePort,
          method: asked.method,
          path: isDoor ? asked.url : '/',
          headers: asked.headers,
        },
        (reply) => {
          answer.writeHead(reply.statusCode, reply.headers);
          reply.pipe(answer);
        },
      );
      passed.on('error', () => answer.writeHead(502).end());
      asked.pipe(passed);
      return;
    }
    try {
      const name = path === '/' ? 'index.html' : path.slice(1);
      if (name.includes('..')) throw new Error('outside');
      const head = { 'content-type': KINDS[extname(name)] ?? 'application/octet-stream' };
      const isPacked = /\bgzip\b/.test(asked.headers['accept-encoding'] ?? '') && existsSync(`${dist}${name}.gz`);
      answer
        .writeHead(200, isPacked ? { ...head, 'content-encoding': 'gzip' } : head)
        .end(readFileSync(isPacked ? `${dist}${name}.gz` : dist + name));
    } catch {
      answer.writeHead(404).end();
    }
  });
  server.on('upgrade', (asked, socket, head) => {
    const node = connect(nodePort, '127.0.0.1', () => {
      const lines = Object.entries(asked.headers).map(([name, value]) => `${name}: ${value}`);
      node.write(`GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      node.write(head);
      node.pipe(socket).pipe(node);
    });
    const end = () => {
      node.destroy();
      socket.destroy();
    };
    for (const side of [node, socket]) {
      sockets.add(side);
      side.on('error', end).on('close', end);
    }
  });
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () => {
      const close = () => {
        for (const socket of sockets) socket.destroy();
        server.closeAllConnections();
        server.close();
      };
      resolve({ url: `http://127.0.0.1:${server.address().port}/`, close });
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve(Number(process.argv[2] ?? 8545), Number(process.argv[3] ?? 0));
  console.log(url);
}
