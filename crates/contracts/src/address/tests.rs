use super::*;

#[test]
fn addresses_read_back() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_number(kind.number()), Some(kind));
        for id in [0, 1, 0xffff, ID_MAX] {
            assert_eq!(parse(native(kind, id)), Some((kind, id)), "{kind:?} {id}");
        }
    }
}

#[test]
fn foreign_addresses_do_not_parse() {
    let unknown_kind = address!("ca957a0000000000000000007ffe000000000001");
    assert!(has_prefix(&unknown_kind));
    for foreign in [Address::ZERO, MULTICALL3, CREATE2_PROXY, unknown_kind] {
        assert_eq!(parse(foreign), None, "{foreign}");
    }
    let mut near = native(Kind::Token, 1);
    near.0.0[11] = 1;
    assert_eq!(parse(near), None);
}

#[test]
fn the_picture_is_true() {
    assert_eq!(
        TOKEN_FACTORY,
        address!("ca957a0000000000000000000001000000000000")
    );
    assert_eq!(
        native(Kind::Token, 0x1234),
        address!("ca957a0000000000000000000002000000001234")
    );
}
