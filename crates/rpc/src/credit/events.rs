//! `capstan_accountEvents`: what happened to an account, newest first, from the contracts' events.

use alloy_primitives::{Address, B256, U64, U256};
use alloy_sol_types::SolEvent as _;
use capstan_chain::LogEntry;
use capstan_contracts::{
    Contract,
    account::{self, IAccount::AccountRef},
    decode_event, dollar, farms,
    ledger::{
        self,
        ILedger::{Pulled, Pushed},
    },
    lending, streams, term, triggers,
};
use serde::Serialize;

use super::{
    account::AccountAsked,
    look_back::{logs_between, look_back, position},
};
use crate::{
    RpcContext,
    error::RpcResult,
    methods::Methods,
    page::{Page, PageAsked},
};

pub(super) fn register(table: &mut Methods) {
    table.blocking(
        "capstan_accountEvents",
        ["account", "page?"],
        "Events of an account, newest first: batches, deposits, debts, liquidations. Page: {limit, cursor}.",
        account_events,
    );
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventItem {
    block_number: U64,
    /// Header time of the block, in seconds.
    timestamp: U64,
    transaction_hash: B256,
    log_index: U64,
    contract: &'static str,
    event: String,
    args: Vec<EventArg>,
    /// What the event means.
    about: String,
}

#[derive(Serialize)]
struct EventArg {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

fn account_events(
    cx: &RpcContext,
    (asked, page): (AccountAsked, Option<PageAsked>),
) -> RpcResult<Page<EventItem>> {
    let of = AccountRef::from(asked);
    look_back(cx, page.unwrap_or_default(), |from, to| {
        let mut items = Vec::new();
        for source in Source::all(&of) {
            let entries = logs_between(cx, source.address, source.topics.clone(), from, to)?;
            let found = entries.iter().filter_map(|entry| {
                let item = item(source.contract, entry, &of)?;
                Some((position(entry), item))
            });
            items.extend(found);
        }
        Ok(items)
    })
}

/// Where a contract writes whose an event is.
struct Source {
    contract: &'static Contract,
    address: Address,
    topics: [Vec<B256>; 4],
}

impl Source {
    fn all(of: &AccountRef) -> Vec<Self> {
        let owner = vec![of.owner.into_word()];
        let index = vec![B256::from(U256::from(of.index))];
        let any = Vec::new;
        let source = |contract: &'static Contract, address, topics| Self {
            contract,
            address,
            topics,
        };
        let borders = vec![Pulled::SIGNATURE_HASH, Pushed::SIGNATURE_HASH];
        let (account, lending) = (&account::CONTRACT, &lending::CONTRACT);
        let mut sources = vec![
            source(
                account,
                account::ADDRESS,
                [any(), owner.clone(), index.clone(), any()],
            ),
            // Liquidations are numbered before they are named.
            source(
                account,
                account::ADDRESS,
                [any(), any(), owner.clone(), index],
            ),
            source(
                lending,
                lending::ADDRESS,
                [any(), any(), owner.clone(), any()],
            ),
            source(
                lending,
                lending::ADDRESS,
                [any(), any(), any(), owner.clone()],
            ),
            source(
                &ledger::CONTRACT,
                ledger::ADDRESS,
                [borders, any(), any(), owner.clone()],
            ),
        ];
        // An owner is named first, behind a number, or behind two; each room has its way.
        let rooms: [(_, _, &[usize]); 5] = [
            (&dollar::CONTRACT, dollar::ADDRESS, &[1, 2]),
            (&term::CONTRACT, term::ADDRESS, &[2, 3]),
            (&streams::CONTRACT, streams::ADDRESS, &[2, 3]),
            (&triggers::CONTRACT, triggers::ADDRESS, &[2]),
            (&farms::CONTRACT, farms::ADDRESS, &[2, 3]),
        ];
        for (contract, address, places) in rooms {
            for place in places {
                let mut topics = [any(), any(), any(), any()];
                topics[*place].clone_from(&owner);
                sources.push(source(contract, address, topics));
            }
        }
        sources
    }
}

/// How events name an account: its owner's argument, and its number's.
const NAMES: [(&str, &str); 9] = [
    ("owner", "index"),
    ("account", "index"),
    ("to", "index"),
    ("from", "fromIndex"),
    ("to", "toIndex"),
    ("debtor", "debtorIndex"),
    ("borrower", "borrowerIndex"),
    ("lender", "lenderIndex"),
    ("payer", "payerIndex"),
];

/// The event in words, if it is of this account and not of another of its owner's.
fn item(contract: &'static Contract, entry: &LogEntry, of: &AccountRef) -> Option<EventItem> {
    let event = decode_event(contract, &entry.log.data)?;
    let value = |name: &str| {
        let mut arguments = event.arguments.iter();
        arguments
            .find(|argument| argument.name == name)
            .map(|argument| argument.value.as_str())
    };
    let owner = of.owner.to_string();
    let index = of.index.to_string();
    let is_meant = NAMES.iter().any(|&(who, which)| {
        let is_owner = value(who).is_some_and(|who| who.eq_ignore_ascii_case(&owner));
        is_owner && value(which) == Some(&index)
    });
    is_meant.then(|| EventItem {
        block_number: U64::from(entry.block_number),
        timestamp: U64::from(entry.block_timestamp_s),
        transaction_hash: entry.tx_hash,
        log_index: U64::from(entry.log_index),
        contract: contract.name,
        event: event.name.clone(),
        args: event
            .arguments
            .iter()
            .map(|argument| EventArg {
                name: argument.name.clone(),
                kind: argument.kind.clone(),
                value: argument.value.clone(),
            })
            .collect(),
        about: event.help.clone(),
    })
}
