use super::*;
use crate::{Place, all};

#[test]
fn addresses_read_back() {
    for kind in [0, 1, 2, u16::MAX].map(Kind::new) {
        for id in [0, 1, 0xffff, ID_MAX] {
            assert_eq!(parse(native(kind, id)), Some((kind, id)), "{kind:?} {id}");
        }
    }
}

#[test]
fn foreign_addresses_do_not_parse() {
    let mut near = native(Kind::new(2), 1);
    near.0.0[11] = 1;
    for foreign in [Address::ZERO, MULTICALL3, CREATE2_PROXY, near] {
        assert_eq!(parse(foreign), None, "{foreign}");
    }
}

#[test]
fn the_picture_is_true() {
    assert_eq!(
        crate::token::FACTORY_ADDRESS,
        address!("ca957a0000000000000000000001000000000000")
    );
    assert_eq!(
        native(crate::token::KIND, 0x1234),
        address!("ca957a0000000000000000000002000000001234")
    );
}

/// Numbers are permanent, so two contracts that took one would be told apart too late.
#[test]
fn every_kind_belongs_to_one_contract() {
    let mut kinds = vec![Kind::SYSTEM];
    for contract in all() {
        let kind = match contract.place {
            Place::Kind(kind) => kind,
            Place::At(at) => match parse(at) {
                Some((kind, 0)) => kind,
                Some(_) => panic!("{} stands at an id of its kind", contract.name),
                None => {
                    assert!(CANONICAL.contains(&at), "{} is nowhere", contract.name);
                    continue;
                }
            },
        };
        assert!(!kinds.contains(&kind), "{} shares {kind:?}", contract.name);
        kinds.push(kind);
    }
}
