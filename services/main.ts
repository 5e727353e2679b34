import { enableCompileCache } from 'node:module';

// The second start finds what the first one compiled, and answers a quarter of a second earlier.
enableCompileCache();
await import('./run.ts');
