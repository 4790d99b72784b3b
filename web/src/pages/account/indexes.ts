/** Numbers of accounts that the page offers; an owner may have 256. */
export const INDEXES = 8;
