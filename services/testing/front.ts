import type { Express } from 'express';
import { createFront, type Front } from '../../shared/http/front.ts';
import { UNLIMITED } from '../../shared/http/limits.ts';
import { listen } from '../../shared/http/server.ts';
import { trusted } from '../../shared/identity/caller.ts';
import type { Route } from '../../shared/http/route.ts';

/** Some routes over HTTP by themselves. A fault of ours ends the test that met it. */
export const openFront = async (
  routes: readonly Route[],
  extend: (app: Express) => void,
): Promise<{ readonly url: string; readonly server: Front['server']; close(): void }> => {
  const { server } = createFront({
    routes,
    identify: () => ({ caller: trusted('tenant'), session: null }),
    limits: UNLIMITED,
    allowOrigin: () => null,
    trace: () => null,
    nextRequestId: () => 'request',
    onAnswer: () => {},
    onInternal: (error) => {
      throw error;
    },
    extend,
  });
  const port = await listen(server, { name: 'PORT', port: 0, host: '127.0.0.1' });
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
