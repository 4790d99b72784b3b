import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// A node to develop against: `capstan dev` on its usual port, unless CAPSTAN_RPC names another.
const node = process.env['CAPSTAN_RPC'] ?? 'http://127.0.0.1:8545';

export default defineConfig({
  // Relative, so that the page works under any path.
  base: './',
  plugins: [react()],
  build: { target: 'es2023', chunkSizeWarningLimit: 700, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  // The node's RPC, and the door of a gateway on the same port.
  server: { proxy: { '/rpc': { target: node, ws: true, rewrite: () => '/' }, '/admin': node, '/v1': node } },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});
