/** Seeds that once found a bug in the product. They are run first, and by the tests. */
export const REGRESSION_SEEDS: readonly { readonly seed: number; readonly hours: number; readonly found: string }[] = [
  {
    seed: 30,
    hours: 6,
    found: 'rows of an older checkpoint were folded, and an "expired" of a living stream was sent',
  },
  { seed: 40, hours: 6, found: 'the same' },
  { seed: 118, hours: 24, found: 'live time ran on between the refused beats of a node that sheds' },
  { seed: 126, hours: 24, found: 'the same' },
];
