/** Seeds that meet a bug which the simulator once found in the product. The tests run them. */
export const REGRESSION_SEEDS: readonly { readonly seed: number; readonly hours: number; readonly found: string }[] = [
  { seed: 1, hours: 4, found: 'rows of an older checkpoint were folded, and an "expired" of a living stream was sent' },
  { seed: 2, hours: 8, found: 'live time ran on between the refused beats of a node that sheds' },
];
