use alloy_primitives::Address;

use super::{ADDRESS as ADMIN, IAdmin::*};
use crate::testkit::{ALICE, BOB, CAROL, OWNER, World, account, fault::check_every_fault};
use alloy_sol_types::SolCall;

/// A contract nobody looks at; only `admin`'s own scope is open at genesis, so that one is used.
const SCOPE: Address = ADMIN;
const ROLE: u32 = 7;

fn has_role(world: &mut World, account: Address) -> bool {
    world.ok(
        BOB,
        ADMIN,
        &hasRoleCall {
            scope: SCOPE,
            role: ROLE,
            account,
        },
    )
}

fn grant(holder: Address, expires_ms: u64) -> grantRoleCall {
    grantRoleCall {
        scope: SCOPE,
        role: ROLE,
        holder,
        expiresMs: expires_ms,
    }
}

fn delay(ms: u64) -> setRoleDelayCall {
    setRoleDelayCall {
        scope: SCOPE,
        role: ROLE,
        delayMs: ms,
    }
}

#[test]
fn adm_1_a_grant_counts_from_its_delay_until_its_expiry() {
    let mut world = World::new();
    let start_ms = world.store.block_mut().time_ms;
    world.ok(OWNER, ADMIN, &delay(100));
    world.ok(OWNER, ADMIN, &grant(ALICE, start_ms + 300));
    for (at_ms, counts) in [
        (0, false),
        (99, false),
        (100, true),
        (299, true),
        (300, false),
    ] {
        world.store.block_mut().time_ms = start_ms + at_ms;
        assert_eq!(has_role(&mut world, ALICE), counts, "after {at_ms} ms");
    }
}

#[test]
fn adm_1_zero_expiry_is_never() {
    let mut world = World::new();
    world.ok(OWNER, ADMIN, &grant(ALICE, 0));
    world.store.block_mut().time_ms = u64::MAX - 1;
    assert!(has_role(&mut world, ALICE));
}

#[test]
fn adm_2_a_revocation_counts_at_once() {
    let mut world = World::new();
    world.ok(OWNER, ADMIN, &delay(1_000));
    world.ok(OWNER, ADMIN, &grant(ALICE, 0));
    world.wait_ms(1_000);
    assert!(has_role(&mut world, ALICE));
    world.ok(
        OWNER,
        ADMIN,
        &revokeRoleCall {
            scope: SCOPE,
            role: ROLE,
            holder: ALICE,
        },
    );
    assert!(!has_role(&mut world, ALICE));
    let event: RoleRevoked = world.last_event(ADMIN);
    assert_eq!(
        (event.scope, event.role, event.holder),
        (SCOPE, ROLE, ALICE)
    );
    world.wait_ms(10_000);
    assert!(!has_role(&mut world, ALICE));
}

#[test]
fn adm_3_a_scope_changes_hands_by_offer_and_acceptance() {
    let mut world = World::new();
    let accept = acceptOwnershipCall { scope: SCOPE };
    let not_offered = |caller, to| AdminNotOffered {
        scope: SCOPE,
        caller,
        offeredTo: to,
    };
    world.refused(ALICE, ADMIN, &accept, &not_offered(ALICE, Address::ZERO));
    world.refused(
        Address::ZERO,
        ADMIN,
        &accept,
        &not_offered(Address::ZERO, Address::ZERO),
    );
    world.ok(
        OWNER,
        ADMIN,
        &offerOwnershipCall {
            scope: SCOPE,
            newOwner: ALICE,
        },
    );
    world.refused(BOB, ADMIN, &accept, &not_offered(BOB, ALICE));
    assert_eq!(world.ok(BOB, ADMIN, &ownerOfCall { scope: SCOPE }), OWNER);
    world.ok(ALICE, ADMIN, &accept);
    assert_eq!(world.ok(BOB, ADMIN, &ownerOfCall { scope: SCOPE }), ALICE);
    world.refused(ALICE, ADMIN, &accept, &not_offered(ALICE, Address::ZERO));
    // A withdrawn offer is no offer.
    world.ok(
        ALICE,
        ADMIN,
        &offerOwnershipCall {
            scope: SCOPE,
            newOwner: BOB,
        },
    );
    world.ok(
        ALICE,
        ADMIN,
        &offerOwnershipCall {
            scope: SCOPE,
            newOwner: Address::ZERO,
        },
    );
    world.refused(BOB, ADMIN, &accept, &not_offered(BOB, Address::ZERO));
}

#[test]
fn adm_4_delays_rise_at_once_and_fall_after_themselves() {
    let mut world = World::new();
    let read = roleDelayMsCall {
        scope: SCOPE,
        role: ROLE,
    };
    world.ok(OWNER, ADMIN, &delay(1_000));
    assert_eq!(world.ok(BOB, ADMIN, &read), 1_000);
    world.ok(OWNER, ADMIN, &delay(10));
    for (wait_ms, expected) in [(0, 1_000), (999, 1_000), (1, 10)] {
        world.wait_ms(wait_ms);
        assert_eq!(world.ok(BOB, ADMIN, &read), expected);
    }
    let max = super::params::DELAY_MS_MAX;
    let too_long = AdminDelayTooLong {
        delayMs: max + 1,
        maxMs: max,
    };
    world.refused(OWNER, ADMIN, &delay(max + 1), &too_long);
    world.ok(OWNER, ADMIN, &delay(max));
}

#[test]
fn adm_4_repeating_a_fall_does_not_shorten_its_wait() {
    let mut world = World::new();
    world.ok(OWNER, ADMIN, &delay(1_000));
    world.ok(OWNER, ADMIN, &delay(10));
    world.wait_ms(500);
    world.ok(OWNER, ADMIN, &delay(0));
    world.wait_ms(999);
    assert_eq!(
        world.ok(
            BOB,
            ADMIN,
            &roleDelayMsCall {
                scope: SCOPE,
                role: ROLE
            }
        ),
        1_000
    );
}

#[test]
fn adm_5_only_the_owner_changes_a_scope() {
    let mut world = World::new();
    for (scope, owner) in [(SCOPE, OWNER), (account(0x55), Address::ZERO)] {
        let error = AdminNotOwner {
            scope,
            caller: ALICE,
            owner,
        };
        world.refused(
            ALICE,
            ADMIN,
            &grantRoleCall {
                scope,
                ..grant(ALICE, 0)
            },
            &error,
        );
        world.refused(
            ALICE,
            ADMIN,
            &setRoleDelayCall { scope, ..delay(5) },
            &error,
        );
        let revoke = revokeRoleCall {
            scope,
            role: ROLE,
            holder: CAROL,
        };
        world.refused(ALICE, ADMIN, &revoke, &error);
        world.refused(
            ALICE,
            ADMIN,
            &offerOwnershipCall {
                scope,
                newOwner: ALICE,
            },
            &error,
        );
    }
    world.ok(OWNER, ADMIN, &grant(ALICE, 0));
    world.ok(
        ALICE,
        ADMIN,
        &renounceRoleCall {
            scope: SCOPE,
            role: ROLE,
        },
    );
    assert!(!has_role(&mut world, ALICE));
}

#[test]
fn bad_grants_are_refused() {
    let mut world = World::new();
    let now_ms = world.store.block_mut().time_ms;
    world.refused(OWNER, ADMIN, &grant(Address::ZERO, 0), &AdminZeroHolder {});
    let early = AdminExpiryTooEarly {
        expiresMs: now_ms,
        effectiveMs: now_ms,
    };
    world.refused(OWNER, ADMIN, &grant(ALICE, now_ms), &early);
}

#[test]
fn faults_leave_no_traces() {
    let mut world = World::new();
    check_every_fault(&world, OWNER, ADMIN, &grant(ALICE, 0).abi_encode());
    check_every_fault(&world, OWNER, ADMIN, &delay(50).abi_encode());
    world.ok(
        OWNER,
        ADMIN,
        &offerOwnershipCall {
            scope: SCOPE,
            newOwner: ALICE,
        },
    );
    check_every_fault(
        &world,
        ALICE,
        ADMIN,
        &acceptOwnershipCall { scope: SCOPE }.abi_encode(),
    );
}
