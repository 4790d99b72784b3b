use super::*;

/// The address that every tool knows as the first account of the development mnemonic.
#[test]
fn development_accounts() {
    let accounts = Genesis::dev_accounts(2, 0);
    assert_eq!(
        accounts[0].address.to_string(),
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    );
    assert_eq!(
        accounts[1].address.to_string(),
        "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    );
    let others = Genesis::dev_accounts(2, 7);
    assert_ne!(others[0].address, accounts[0].address);
    assert_eq!(
        others[1].key,
        Genesis::dev_accounts(2, 7)[1].key,
        "a seed repeats"
    );
}

/// GEN-1: text and value say the same, and unknown fields are refused by name.
#[test]
fn gen_1_json_round_trip() {
    let genesis = Genesis::dev(3, 0);
    assert_eq!(Genesis::from_json(&genesis.to_json()).unwrap(), genesis);
    let text = genesis.to_json().replacen("\"paceMs\"", "\"pace\"", 1);
    let error = Genesis::from_json(&text).unwrap_err().to_string();
    assert!(error.contains("pace"), "{error}");
}

/// GEN-2: what makes no chain is refused with the field's name.
#[test]
fn gen_2_validation() {
    let cases: Vec<(&str, Box<dyn Fn(&mut Genesis)>)> = vec![
        ("chainId", Box::new(|g| g.chain_id = 0)),
        ("paceMs", Box::new(|g| g.pace_ms = 0)),
        ("paceMs", Box::new(|g| g.pace_ms = 3_600_001)),
        ("userGasLimit", Box::new(|g| g.user_gas_limit = 1)),
        ("systemGasLimit", Box::new(|g| g.system_gas_limit = 1)),
        ("userGasLimit", Box::new(|g| g.user_gas_limit = u64::MAX)),
        (
            "baseFee.denominator",
            Box::new(|g| g.base_fee.denominator = 1),
        ),
        (
            "baseFee.elasticity",
            Box::new(|g| g.base_fee.elasticity = 0),
        ),
        (
            "initialBaseFeeWei",
            Box::new(|g| g.base_fee.floor_wei = u128::MAX),
        ),
        ("forks", Box::new(|g| g.forks.clear())),
        ("forks", Box::new(|g| g.forks[0].from = 1)),
        (
            "versions",
            Box::new(|g| {
                g.versions.push(VersionAt {
                    from: 9,
                    version: 1,
                })
            }),
        ),
        (
            "versions",
            Box::new(|g| {
                g.versions.push(VersionAt {
                    from: 0,
                    version: 2,
                })
            }),
        ),
        (
            "balance",
            Box::new(|g| {
                g.alloc
                    .values_mut()
                    .for_each(|account| account.balance = U256::MAX)
            }),
        ),
        (
            "code",
            Box::new(|g| {
                g.alloc
                    .values_mut()
                    .for_each(|account| account.code = vec![0xef, 1].into());
            }),
        ),
        (
            "alloc",
            Box::new(|g| {
                g.alloc
                    .insert(capstan_evm::SYSTEM_SENDER, GenesisAccount::default());
            }),
        ),
    ];
    for (field, spoil) in cases {
        let mut genesis = Genesis::dev(2, 0);
        spoil(&mut genesis);
        let error = genesis.validate().expect_err(field).to_string();
        assert!(error.contains(field), "{error} | {field}");
    }
    Genesis::dev(20, 0).validate().unwrap();
    Genesis::new(1).validate().unwrap();
}

/// GEN-3: everything that two chains may differ in shows in the genesis header.
#[test]
fn gen_3_everything_is_bound() {
    let changes: Vec<Box<dyn Fn(&mut Genesis)>> = vec![
        Box::new(|g| g.chain_id += 1),
        Box::new(|g| g.pace_ms += 1),
        Box::new(|g| g.base_fee.denominator += 1),
        Box::new(|g| g.allow_unprotected = !g.allow_unprotected),
        Box::new(|g| g.development = !g.development),
        Box::new(|g| {
            g.versions.push(VersionAt {
                from: 5,
                version: 2,
            })
        }),
        Box::new(|g| g.time_ms += 1),
    ];
    let hash = |genesis: &Genesis| genesis_block(genesis, B256::ZERO).hash();
    let plain = Genesis::dev(1, 0);
    assert_eq!(hash(&plain), hash(&plain.clone()));
    for change in changes {
        let mut other = plain.clone();
        change(&mut other);
        assert_ne!(hash(&other), hash(&plain));
    }
}

#[test]
fn ethereum_genesis_is_taken() {
    let text = r#"{
        "config": { "chainId": 77 },
        "timestamp": "0x10", "gasLimit": "0x1c9c380", "difficulty": "0x0",
        "alloc": { "0x00000000000000000000000000000000000000aa": { "balance": "0x5",
            "code": "0x6001", "storage": { "0x00": "0x07" } } }
    }"#;
    let genesis = Genesis::from_json(text).unwrap();
    assert_eq!(
        (genesis.chain_id, genesis.time_ms, genesis.user_gas_limit),
        (77, 16_000, 30_000_000)
    );
    let account = &genesis.alloc[&Address::with_last_byte(0xaa)];
    assert_eq!(
        (account.balance, account.code.len(), account.storage.len()),
        (U256::from(5), 2, 1)
    );
}
