/** Where services listen in their tasks. The admin port is in no rule of any security group. */
export const PORT = 8080;
export const ADMIN_PORT = 9090;

/** The same that the image has, which ECS does not look at. */
export const HEALTH_COMMAND = [
  'node',
  '-e',
  "fetch('http://127.0.0.1:'+(process.env.PORT||8080)+'/healthz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))",
] as const;
