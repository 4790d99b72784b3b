import { castCommand } from '../../node/commands.ts';

/** Shows at a terminal what this page shows. */
export const riskCommand = () => castCommand('rpc capstan_risk');
