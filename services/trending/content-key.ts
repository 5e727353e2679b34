/** The key of a content in moves, counts and state: two tenants may have contents of the same id. No name of a tenant has a `/`. */
export const contentKey = (tenant: string, contentId: string): string => `${tenant}/${contentId}`;

export const contentIdIn = (key: string): string => key.slice(key.indexOf('/') + 1);
