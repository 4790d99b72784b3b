use super::*;

/// EXEC-8: the base fee follows user gas only, by at most 1/denominator, never below the floor.
#[test]
fn base_fee_moves() {
    let rules = Rules::new(1);
    let target = rules.user_gas_limit / 2;
    let gwei = 1_000_000_000u128;
    let cases = [
        ("at target", gwei, target, gwei),
        ("full", gwei, rules.user_gas_limit, gwei + gwei / 400),
        ("empty", gwei, 0, gwei - gwei / 400),
        ("tiny rise is at least one wei", 100, target + 1, 101),
        ("floor holds", 7, 0, 7),
        ("floor lifts", 1, target, 7),
        (
            "beyond any block",
            gwei,
            u64::MAX,
            gwei + gwei * u128::from(u64::MAX - target) / (u128::from(target) * 400),
        ),
        (
            "never beyond 64 bits",
            u128::MAX,
            u64::MAX,
            u128::from(u64::MAX),
        ),
    ];
    for (name, fee, used, want) in cases {
        assert_eq!(rules.next_base_fee_wei(fee, used), want, "{name}");
    }
}

/// EXEC-2: forks and versions change at their heights.
#[test]
fn schedule() {
    let mut rules = Rules::new(1);
    rules.forks = vec![(0, Fork::Prague), (10, Fork::Osaka)];
    rules.versions = vec![(0, ProtocolVersion(1)), (5, ProtocolVersion(2))];
    assert_eq!(rules.fork_at(9), Fork::Prague);
    assert_eq!(rules.fork_at(10), Fork::Osaka);
    assert_eq!(rules.version_at(4), ProtocolVersion(1));
    assert_eq!(rules.version_at(5), ProtocolVersion(2));
    assert_eq!(rules.gas_limit(), 160_000_000);
}
