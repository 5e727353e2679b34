import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import express, { type Express } from 'express';
import { openApi } from '../shared/http/openapi.ts';
import type { Route } from '../shared/http/route.ts';

/** The interface as a document and as a page to read and try. */
export const addPages = (app: Express, { routes }: { readonly routes: readonly Route[] }): void => {
  const document = openApi(routes);
  app.get('/openapi.json', (_req, res) => {
    res.json(document);
  });
  app.get('/docs', (_req, res) => {
    res.type('html').send(PAGE);
  });
  // The package says where its files are; nothing is fetched from elsewhere.
  const assets = installed('swagger-ui-dist/absolute-path.js')() as string;
  app.use('/docs/assets', express.static(assets, { index: false, maxAge: '1h' }));
};

const installed = createRequire(import.meta.url);

const WEB = fileURLToPath(new URL('../web', import.meta.url));
const LIVE_HEADERS = {
  'content-security-policy': "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** `web/` as it lies there, with the library that draws its charts. */
export const addLivePage = (app: Express): void => {
  const files = { index: false, redirect: false, setHeaders: (res: express.Response) => void res.set(LIVE_HEADERS) };
  app.get('/', (_req, res) => {
    res.set(LIVE_HEADERS).sendFile('index.html', { root: WEB });
  });
  app.use('/live/uplot', express.static(dirname(installed.resolve('uplot')), files));
  app.use('/live', express.static(`${WEB}/live`, files));
};

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Playbeat: the interface</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({ url: '/openapi.json', dom_id: '#page', deepLinking: true });</script>
</body>
</html>
`;
