// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

/// Where native contracts answer.
library CapstanAddresses {
    /// Roles with a delay and an expiry, and one owner per scope.
    address internal constant ADMIN = 0xCA957A0000000000000000000004000000000000;
    /// Makes ERC-20 tokens at native addresses.
    address internal constant TOKEN_FACTORY = 0xca957A0000000000000000000001000000000000;
    /// The gas coin as an ERC-20 token with permit.
    address internal constant ETHER = 0xCa957A0000000000000000000003000000000000;
    /// Flash loans of what markets hold, and flash mint of factory tokens (ERC-3156).
    address internal constant FLASH = 0xcA957a0000000000000000000005000000000000;
    /// Prices in dollars, made by reporters, agreed before the first transaction of each block.
    address internal constant ORACLE = 0xcA957A0000000000000000000006000000000000;
    /// Who holds what: units per account and asset.
    address internal constant LEDGER = 0xCa957a0000000000000000000008000000000000;
    /// One lending market per asset.
    address internal constant LENDING = 0xCa957a0000000000000000000009000000000000;
    /// Pools that swap assets: constant product, stableswap, concentrated liquidity.
    address internal constant EXCHANGE = 0xCa957A0000000000000000000012000000000000;
    /// Positions of concentrated liquidity as tokens (ERC-721).
    address internal constant RANGE_POSITION = 0xCA957A0000000000000000000014000000000000;
    /// Swaps along paths of tokens with Uniswap v2's verbs.
    address internal constant EXCHANGE_ROUTER = 0xCa957a0000000000000000000015000000000000;
    /// Rewards that flow to stakers of an asset or of a pool's shares.
    address internal constant FARMS = 0xCa957a000000000000000000001C000000000000;
    /// Value that flows to an owner, or to a debt of his first.
    address internal constant STREAMS = 0xCa957a000000000000000000000c000000000000;
    /// Stakes that lose before lenders do.
    address internal constant BACKSTOP = 0xcA957A000000000000000000000D000000000000;
    /// Balance sheets, batches, health and liquidation.
    address internal constant ACCOUNT = 0xca957A000000000000000000000b000000000000;
    /// Orders that the block executes: stop-loss, take-profit, trailing, in parts, deleverage.
    address internal constant TRIGGERS = 0xca957A0000000000000000000017000000000000;
    /// Leveraged tokens and strategy vaults: accounts under a fixed policy that the block rebalances.
    address internal constant PRODUCTS = 0xCa957a000000000000000000001A000000000000;
    /// The chain's own dollar: minted, swapped at par, redeemed, saved.
    address internal constant DOLLAR = 0xCA957a000000000000000000000F000000000000;
    /// Saved dollars as a token (ERC-4626).
    address internal constant SAVINGS = 0xca957A0000000000000000000011000000000000;
    /// Fixed-term debt: offers, loans with a schedule, claims.
    address internal constant TERM = 0xcA957A0000000000000000000010000000000000;
    /// Machines: identity, title, bond, life, readings, and capacity as it was last proven.
    address internal constant MACHINES = 0xcA957a000000000000000000001d000000000000;
    /// Who machines are, as tokens bound to their keys (ERC-721, ERC-5192).
    address internal constant MACHINE_IDENTITY = 0xcA957A000000000000000000001E000000000000;
    /// Titles of machines, whose holders have their income and their bonds (ERC-721).
    address internal constant MACHINE_TITLE = 0xCa957a000000000000000000001F000000000000;
    /// Jobs: classes of work, offers, escrow, vouchers settled by the block, and audits.
    address internal constant JOBS = 0xcA957a0000000000000000000020000000000000;
    /// What machines verifiably earn, and the debt that it carries.
    address internal constant INCOME = 0xcA957a0000000000000000000021000000000000;
    /// Lists an asset with border, feed, market and collateral terms in one step.
    address internal constant LISTING = 0xcA957A0000000000000000000016000000000000;
    /// When the chain stood still: time that counts in nobody's window.
    address internal constant STILL = 0xca957a0000000000000000000023000000000000;
    /// Many calls in one; behaves as Multicall3.
    address internal constant MULTICALL = 0xcA11bde05977b3631167028862bE2a173976CA11;
    /// Deploys code by CREATE2: calldata is a salt of 32 bytes, then the init code.
    address internal constant CREATE2 = 0x4e59b44847b379578588920cA78FbF26c0B4956C;
}
