import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

type Request = {
  readonly socket: Pick<IncomingMessage['socket'], 'remoteAddress'>;
  readonly headers: IncomingMessage['headers'];
};

/**
 * Where a call comes from, behind so many proxies of one's own. Each of them adds the address that called it to the end of
 * `X-Forwarded-For`: what stands before those is the caller's own word, and is not looked at. Undefined for what is no address.
 */
export const callerAddress =
  (proxies: number): ((req: Request) => string | undefined) =>
  ({ socket, headers }) => {
    if (proxies === 0) return socket.remoteAddress;
    const given = headers['x-forwarded-for'];
    const added = given === undefined ? undefined : String(given).split(',').at(-proxies)?.trim();
    // Who came past a proxy comes from where the connection does.
    if (added === undefined) return socket.remoteAddress;
    return isIP(added) === 0 ? undefined : added;
  };
