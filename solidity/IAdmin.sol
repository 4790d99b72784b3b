// SPDX-License-Identifier: MIT OR Apache-2.0
// Made by `cargo xtask gen`. Change the Rust source instead.
pragma solidity >=0.8.4;

/// Roles with a delay and an expiry, and one owner per scope. A scope is a contract; the meaning of a
/// role number is that contract's own.
interface IAdmin {
    /// A role was granted; it counts from `effectiveMs` until `expiresMs`.
    event RoleGranted(address indexed scope, uint32 indexed role, address indexed holder, uint64 effectiveMs, uint64 expiresMs);
    /// A role was taken away or given up.
    event RoleRevoked(address indexed scope, uint32 indexed role, address indexed holder);
    /// The delay of a role changes at `fromMs`.
    event RoleDelaySet(address indexed scope, uint32 indexed role, uint64 delayMs, uint64 fromMs);
    /// A scope was offered; the zero address withdraws an offer.
    event OwnershipOffered(address indexed scope, address indexed owner, address indexed offeredTo);
    /// A scope has a new owner.
    event OwnershipTransferred(address indexed scope, address indexed previousOwner, address indexed newOwner);

    /// Only the owner of the scope may do this. Call as the owner.
    error AdminNotOwner(address scope, address caller, address owner);
    /// The account does not hold the role now. Ask the owner for it, or wait until it counts.
    error AdminMissingRole(address scope, uint32 role, address account);
    /// The scope is not offered to the caller. The owner offers it first.
    error AdminNotOffered(address scope, address caller, address offeredTo);
    /// The delay is longer than any may be.
    error AdminDelayTooLong(uint64 delayMs, uint64 maxMs);
    /// The grant would end before it begins. Choose a later expiry.
    error AdminExpiryTooEarly(uint64 expiresMs, uint64 effectiveMs);
    /// The holder cannot be the zero address.
    error AdminZeroHolder();
    /// The scope has an owner already.
    error AdminScopeTaken(address scope, address owner);

    /// Grants a role. It counts once the delay of the role has passed; granting again starts anew.
    /// `expiresMs` is a time in milliseconds; zero means never.
    function grantRole(address scope, uint32 role, address holder, uint64 expiresMs) external;
    /// Takes a role away at once.
    function revokeRole(address scope, uint32 role, address holder) external;
    /// Gives up a role of one's own.
    function renounceRole(address scope, uint32 role) external;
    /// Sets the delay of a role. A longer one counts at once, a shorter one after the present delay.
    function setRoleDelay(address scope, uint32 role, uint64 delayMs) external;
    /// Offers the scope to a new owner, who accepts it. The zero address withdraws the offer.
    function offerOwnership(address scope, address newOwner) external;
    /// Accepts a scope that was offered to the caller.
    function acceptOwnership(address scope) external;

    /// Whether the role counts for the account now.
    function hasRole(address scope, uint32 role, address account) external view returns (bool);
    /// When the role counts for the account; zeros if it was never granted.
    function grantOf(address scope, uint32 role, address account) external view returns (uint64 effectiveMs, uint64 expiresMs);
    /// The delay of a role now, in milliseconds.
    function roleDelayMs(address scope, uint32 role) external view returns (uint64);
    /// Owner of a scope; zero if the scope was never opened.
    function ownerOf(address scope) external view returns (address);
    /// To whom the scope is offered, or zero.
    function offeredTo(address scope) external view returns (address);
}
