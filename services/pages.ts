import { createRequire } from 'node:module';
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
  const assets = createRequire(import.meta.url)('swagger-ui-dist/absolute-path.js')() as string;
  app.use('/docs/assets', express.static(assets, { index: false, maxAge: '1h' }));
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
