/** 0 to 999 ms for what was refused, by its request id: those who were refused together do not come back together. */
export const spreadMs = (requestId: string): number => {
  let hash = 0;
  for (let i = 0; i < requestId.length; i++) hash = (Math.imul(hash, 31) + requestId.charCodeAt(i)) | 0;
  return Math.abs(hash) % 1_000;
};
