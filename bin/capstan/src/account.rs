//! `capstan account`: shows an account, and what actions would make of it before they are signed.

pub(crate) mod explain;
mod farming;
mod leverage;
mod limits;
mod show;

use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall as _;
use capstan_client::{
    AccountName, Asked, Asset, AssetName, Assets, Batch, Call, Node, Preview, Standing, There,
    Wish, account, plan, preview, send,
};
use capstan_contracts::{
    account::ADDRESS as ACCOUNT,
    dollar::{self, IDollar},
    erc20::IErc20,
    ether,
    ledger::IForeign,
    term::{self, ITerm},
};
pub(crate) use farming::FarmStep;

use eyre::{OptionExt as _, Result, bail};
use serde_json::{Value, json};

use crate::{
    accounts,
    args::{
        AccountCommand, ActOptions, AmountArgs, AskOptions, Refinanced, SignerOptions,
        SlippageArgs, asset_name,
    },
    block_on,
    consent::{self, Stakes},
    wallet,
    words::time,
};

pub(crate) use show::{effect, in_a_line};

pub(crate) fn run(command: &AccountCommand) -> Result<()> {
    block_on(command_of(command))
}

async fn command_of(command: &AccountCommand) -> Result<()> {
    let to_wallet = |act: &ActOptions| owner(&act.signing.signer, None);
    match command {
        AccountCommand::Show {
            ask,
            signer,
            index,
            owner: stated,
        } => {
            let name = AccountName {
                owner: owner(signer, *stated)?,
                index: *index,
            };
            let node = Node::new(&ask.rpc)?;
            let (whole, state) = account(&node, name).await?;
            if ask.json {
                println!("{whole:#}");
                return Ok(());
            }
            show::account(name, &state);
            limits::line(&node, name).await
        }
        AccountCommand::Limits { act, limits } => limits::run(act, limits).await,
        AccountCommand::Explain {
            ask,
            signer,
            index,
            id,
        } => explain::run(ask, signer, *index, *id).await,
        AccountCommand::History {
            ask,
            signer,
            index,
            limit,
            owner: stated,
        } => history(ask, owner(signer, *stated)?, *index, *limit).await,
        AccountCommand::Preview { act, actions } => {
            let wishes = read_actions(actions, to_wallet(act)?)?;
            let doing = Doing::prepare(act, &wishes).await?;
            doing.show(act.signing.ask.json)?;
            if act.signing.ask.json {
                return Ok(());
            }
            limits::line(&doing.node, doing.name).await
        }
        AccountCommand::Run { act, actions } => {
            one(act, read_actions(actions, to_wallet(act)?)?).await
        }
        AccountCommand::Deposit { act, amount } => one(act, wish(Wish::Deposit, amount)?).await,
        AccountCommand::Supply { act, amount } => one(act, wish(Wish::Supply, amount)?).await,
        AccountCommand::Withdraw { act, amount, to } => {
            let to = to.map_or_else(|| to_wallet(act), Ok)?;
            one(act, wish(Wish::Withdraw { to }, amount)?).await
        }
        AccountCommand::Borrow { act, amount, keep } => {
            let to = (!keep).then(|| to_wallet(act)).transpose()?;
            one(act, wish(Wish::Borrow { to }, amount)?).await
        }
        AccountCommand::Mint { act, amount, keep } => {
            let to = (!keep).then(|| to_wallet(act)).transpose()?;
            one(act, wish(Wish::Mint { to }, amount)?).await
        }
        AccountCommand::Repay { act, amount } => one(act, wish(Wish::Repay, amount)?).await,
        AccountCommand::Lever {
            act,
            amount,
            buy,
            swap,
        } => {
            let step = Step::Lever {
                borrowed: amount.amount.join(" ").parse()?,
                buy: buy.clone(),
                slippage: *swap,
            };
            one(act, vec![step]).await
        }
        AccountCommand::Unlever {
            act,
            amount,
            sell,
            swap,
        } => {
            let step = Step::Unlever {
                repaid: amount.amount.join(" ").parse()?,
                sell: sell.clone(),
                slippage: *swap,
            };
            one(act, vec![step]).await
        }
        AccountCommand::Refinance {
            act,
            what,
            amount,
            into,
            swap,
        } => {
            let step = Step::Refinance {
                what: *what,
                moved: amount.amount.join(" ").parse()?,
                into: into.clone(),
                slippage: *swap,
            };
            one(act, vec![step]).await
        }
        AccountCommand::Close { act, sell, swap } => match sell {
            None => one(act, Vec::new()).await,
            Some(sell) => {
                let step = Step::CloseBySwap {
                    sell: sell.clone(),
                    slippage: *swap,
                };
                one(act, vec![step]).await
            }
        },
    }
}

/// Does something in a farm, shown before it is signed.
pub(crate) async fn in_farm(act: &ActOptions, step: FarmStep) -> Result<()> {
    one(act, vec![Step::Farm(step)]).await
}

/// One thing that somebody wants done.
pub(crate) enum Step {
    /// Something with so much of an asset.
    Move(Wish, Asked),
    /// A stream is to pay the account's debt.
    Assign(u64),
    /// A stream's due is to be brought.
    Collect(u64),
    /// What others paid in is to count.
    Admit(AssetName),
    /// So much is to be borrowed and swapped into something.
    Lever {
        borrowed: Asked,
        buy: AssetName,
        slippage: SlippageArgs,
    },
    /// So much of a debt is to be paid by selling something.
    Unlever {
        repaid: Asked,
        sell: AssetName,
        slippage: SlippageArgs,
    },
    /// So much of a debt or a collateral is to be one of another asset.
    Refinance {
        what: Refinanced,
        moved: Asked,
        into: AssetName,
        slippage: SlippageArgs,
    },
    /// Something is to be done in a farm.
    Farm(FarmStep),
    /// All debts are to be paid, by selling something where their own asset is missing.
    CloseBySwap {
        sell: AssetName,
        slippage: SlippageArgs,
    },
}

/// What is wished, in its order. An empty list is the wish to close.
pub(crate) type Wishes = Vec<Step>;

fn wish(wish: Wish, amount: &AmountArgs) -> Result<Wishes> {
    Ok(vec![Step::Move(wish, amount.amount.join(" ").parse()?)])
}

/// Actions as `borrow 500 usdc`. `borrow` leaves what it lends on the account unless `withdraw` follows: a batch says
/// each step.
fn read_actions(actions: &[String], wallet: Address) -> Result<Wishes> {
    actions
        .iter()
        .map(|text| read_action(text, wallet))
        .collect()
}

fn read_action(text: &str, wallet: Address) -> Result<Step> {
    let split = |text: &str| -> Result<(String, String)> {
        let parts = text.trim().split_once(char::is_whitespace);
        let (first, rest) =
            parts.ok_or_eyre(format!("`{text}` is no action; write `borrow 500 usdc`"))?;
        Ok((first.to_owned(), rest.trim().to_owned()))
    };
    let number = |text: &str| -> Result<u64> {
        text.parse()
            .map_err(|_| eyre::eyre!("`{text}` is no number of an offer, a loan or a stream"))
    };
    let (verb, rest) = split(text)?;
    let wish = match verb.as_str() {
        "deposit" => Wish::Deposit,
        "supply" => Wish::Supply,
        "redeem" => Wish::Redeem,
        "withdraw" => Wish::Withdraw { to: wallet },
        "borrow" => Wish::Borrow { to: None },
        "repay" => Wish::Repay,
        "mint" => Wish::Mint { to: None },
        "take-loan" | "repay-loan" => {
            let (id, amount) = split(&rest)?;
            let wish = match verb.as_str() {
                "take-loan" => Wish::TakeLoan {
                    offer: number(&id)?,
                },
                _ => Wish::RepayLoan { loan: number(&id)? },
            };
            return Ok(Step::Move(wish, amount.parse()?));
        }
        "assign" => return Ok(Step::Assign(number(&rest)?)),
        "collect" => return Ok(Step::Collect(number(&rest)?)),
        "admit" => return Ok(Step::Admit(asset_name(&rest).map_err(eyre::Report::msg)?)),
        _ => bail!(
            "`{verb}` is no verb of an account: use deposit, supply, redeem, withdraw, borrow, repay, mint, take-loan, \
             repay-loan, assign, collect or admit"
        ),
    };
    Ok(Step::Move(wish, rest.parse()?))
}

/// Coins of an address, in wei.
pub(crate) async fn coins(node: &Node, whose: Address) -> Result<U256> {
    let asked = json!([whose, "latest"]);
    Ok(node.read("eth_getBalance", asked).await?)
}

/// Whose account: as stated, or that of the wallet, whose password nobody needs for looking.
pub(crate) fn owner(options: &SignerOptions, stated: Option<Address>) -> Result<Address> {
    if let Some(owner) = stated {
        return Ok(owner);
    }
    if let Some(index) = options.dev_account {
        return Ok(dev_signer(index)?.address());
    }
    let Some(name) = &options.wallet else {
        bail!(
            "whose account? nobody is named; name a wallet by --wallet NAME (`capstan wallet new` makes one), or a development account by --dev-account 1"
        );
    };
    if let Ok(address) = name.parse() {
        return Ok(address);
    }
    let found = wallet::open(&options.keystore)?.find(name)?;
    found.address.ok_or_eyre(format!(
        "{} does not state its address: name it by --wallet ADDRESS",
        found.path.display()
    ))
}

fn dev_signer(index: u32) -> Result<PrivateKeySigner> {
    let signers = accounts::signers(&accounts::mnemonic(0)?, index + 1)?;
    signers.into_iter().last().ok_or_eyre("no such account")
}

pub(crate) fn signer(options: &SignerOptions) -> Result<PrivateKeySigner> {
    if let Some(index) = options.dev_account {
        return dev_signer(index);
    }
    let name = options
        .wallet
        .as_deref()
        .ok_or_eyre("who signs? nobody is named; name a wallet by --wallet NAME (`capstan wallet new` makes one)")?;
    let keystore = wallet::open(&options.keystore)?;
    let found = keystore.find(name)?;
    let password = wallet::password(&options.password, &found.name)?;
    Ok(keystore.open(&found, &password)?)
}

/// What wishes are made of: what stands in wallet and account of each asset, as the steps so far left it.
struct Floor<'a> {
    node: &'a Node,
    owner: Address,
    index: u8,
    assets: &'a Assets,
    standing: &'a Standing,
    there: Vec<(Asset, There)>,
    /// Swaps so far, in words.
    swaps: Vec<String>,
}

impl Floor<'_> {
    /// The place of an asset in `there`.
    async fn place(&mut self, asset: &Asset) -> Result<usize> {
        let mut known = self.there.iter();
        if let Some(at) = known.position(|(known, _)| known.id == asset.id) {
            return Ok(at);
        }
        let wallet = balance(self.node, asset, self.owner).await?;
        let there = there_is(asset, wallet, self.standing);
        self.there.push((asset.clone(), there));
        Ok(self.there.len() - 1)
    }
}

/// A batch that is about to be signed, and what it would do.
struct Doing {
    node: Node,
    name: AccountName,
    batch: Batch,
    /// Tokens of others are moved only as far as their owner allowed it.
    approvals: Vec<(Asset, U256)>,
    /// Swaps on the way, in words.
    swaps: Vec<String>,
    /// What wallet or account lack, in words: why the batch fails, if it does.
    lacks: Vec<String>,
    whole: Value,
    told: Preview,
}

impl Doing {
    async fn prepare(act: &ActOptions, wishes: &Wishes) -> Result<Self> {
        let node = Node::new(&act.signing.ask.rpc)?;
        let name = AccountName {
            owner: owner(&act.signing.signer, None)?,
            index: act.index,
        };
        let assets = Assets::of(&node).await?;
        let (_, state) = account(&node, name).await?;
        let mut batch = Batch::default();
        let mut floor = Floor {
            node: &node,
            owner: name.owner,
            index: name.index,
            assets: &assets,
            standing: &state.standing,
            there: Vec::new(),
            swaps: Vec::new(),
        };
        for step in wishes {
            let (wish, asked) = match step {
                Step::Move(wish, asked) => (wish, asked),
                Step::Lever {
                    borrowed,
                    buy,
                    slippage,
                } => {
                    floor.lever(&mut batch, borrowed, buy, *slippage).await?;
                    continue;
                }
                Step::Unlever {
                    repaid,
                    sell,
                    slippage,
                } => {
                    floor.unlever(&mut batch, repaid, sell, *slippage).await?;
                    continue;
                }
                Step::Refinance {
                    what,
                    moved,
                    into,
                    slippage,
                } => {
                    match what {
                        Refinanced::Debt => {
                            floor
                                .refinance_debt(&mut batch, moved, into, *slippage)
                                .await?;
                        }
                        Refinanced::Collateral => {
                            floor
                                .refinance_collateral(&mut batch, moved, into, *slippage)
                                .await?;
                        }
                    }
                    continue;
                }
                Step::CloseBySwap { sell, slippage } => {
                    floor.close(&mut batch, sell, *slippage).await?;
                    continue;
                }
                Step::Farm(step) => {
                    floor.farm(&mut batch, step).await?;
                    continue;
                }
                Step::Assign(id) => {
                    batch.assign(*id);
                    continue;
                }
                Step::Collect(id) => {
                    batch.collect(*id);
                    continue;
                }
                Step::Admit(asset) => {
                    batch.admit(assets.find(asset)?.id);
                    continue;
                }
            };
            let asset = assets.find(&asked.asset)?;
            expect_asset_of(&node, *wish, asset).await?;
            let at = floor.place(asset).await?;
            plan(&mut batch, *wish, &asked.amount, &mut floor.there[at].1)?;
        }
        let Floor { there, swaps, .. } = floor;
        if wishes.is_empty() {
            batch.close_all();
        }
        let (mut approvals, mut lacks) = (Vec::new(), Vec::new());
        for (asset, there) in there {
            lacks.extend(lack(&asset, &there));
            if asset.is_foreign && !there.taken.is_zero() {
                let allowance = IErc20::allowanceCall {
                    owner: name.owner,
                    spender: ACCOUNT,
                };
                if node.view(asset.token, &allowance).await? < there.taken {
                    approvals.push((asset, there.taken));
                }
            }
        }
        let (whole, told) = preview(&node, name, &batch).await?;
        if wishes.is_empty() {
            expect_to_close(&told)?;
        }
        Ok(Self {
            node,
            name,
            batch,
            approvals,
            swaps,
            lacks,
            whole,
            told,
        })
    }

    /// Before, after, and why not.
    fn show(&self, json: bool) -> Result<()> {
        if json {
            println!("{:#}", self.whole);
        } else {
            show::effect(self.name, &self.told);
            for swap in &self.swaps {
                println!("{swap}");
            }
        }
        for (asset, amount) in &self.approvals {
            let amount = capstan_units::decimal(*amount, asset.decimals);
            eprintln!(
                "note: {} first needs your approval to move {amount} of it; a transaction of its own does that",
                asset.symbol
            );
        }
        // Without an approval the batch fails in every preview.
        if !self.approvals.is_empty() {
            return Ok(());
        }
        match (&self.told.error, &self.told.revert) {
            (None, None) => Ok(()),
            // What is missing is known here with its unit; the contract's words would have neither.
            _ if !self.lacks.is_empty() => bail!(
                "this would fail: {}; name less, or `max`",
                self.lacks.join(", and ")
            ),
            (Some(error), _) => bail!("this would fail: {error}"),
            (None, Some(revert)) => bail!("this would fail with {revert}"),
        }
    }
}

/// What wallet or account lack of an asset, and what to do.
fn lack(asset: &Asset, there: &There) -> Option<String> {
    let (symbol, of) = (&asset.symbol, |amount: U256| {
        capstan_units::decimal(amount, asset.decimals)
    });
    if !there.lacking.is_zero() {
        return Some(format!(
            "the wallet has {} {symbol}, and {} would leave it",
            of(there.taken.saturating_sub(there.lacking)),
            of(there.taken)
        ));
    }
    (!there.unheld.is_zero()).then(|| {
        format!(
            "the account lacks {} {symbol} as units and in the market",
            of(there.unheld)
        )
    })
}

/// Says what stays owed, and refuses to sign what would pay nothing: `close` takes from the account, not from the wallet.
fn expect_to_close(told: &Preview) -> Result<()> {
    let mut holdings = told.before.holdings.iter();
    if holdings.all(|held| held.owed.amount.is_zero()) {
        bail!(
            "the account owes nothing, so there is nothing to close: `capstan account withdraw max ASSET` takes out what it holds"
        );
    }
    let Some(after) = &told.after else {
        return Ok(());
    };
    let owed: Vec<_> = after
        .holdings
        .iter()
        .filter(|held| !held.owed.amount.is_zero())
        .collect();
    if owed.is_empty() {
        return Ok(());
    }
    let left: Vec<_> = owed
        .iter()
        .map(|held| format!("{} {}", held.owed.text, held.symbol))
        .collect();
    let left = left.join(" and ");
    let how = format!(
        "`capstan account repay max {}` takes it from the wallet",
        owed[0].symbol
    );
    let is_paid = |held: &&capstan_client::Holding| {
        let before = told.before.holding(held.asset_id);
        before.is_some_and(|before| held.owed.amount < before.owed.amount)
    };
    if after.holdings.len() == told.before.holdings.len() && !owed.iter().any(is_paid) {
        bail!("the account holds nothing that pays its debts: {left} would stay owed; {how}");
    }
    eprintln!("note: {left} stays owed, for the account does not hold enough of it; {how}");
    Ok(())
}

/// Refuses an amount of another asset than the one that a verb is about.
async fn expect_asset_of(node: &Node, wish: Wish, asset: &Asset) -> Result<()> {
    let (id, what) = match wish {
        Wish::Mint { .. } => {
            let usd = node.view(dollar::ADDRESS, &IDollar::dollarCall {}).await?;
            (
                usd.assetId,
                "only the chain's own dollar is minted, which".to_owned(),
            )
        }
        Wish::Borrow { .. } | Wish::Supply => {
            // Where no dollar is open, none is meant.
            let usd = node.view(dollar::ADDRESS, &IDollar::dollarCall {}).await;
            if usd.is_ok_and(|usd| usd.assetId == asset.id) {
                let symbol = &asset.symbol;
                match wish {
                    Wish::Supply => bail!(
                        "{symbol} has no lending market: `capstan account deposit` keeps it on the account"
                    ),
                    _ => {
                        bail!("{symbol} is minted, not borrowed: `capstan account mint` does that")
                    }
                }
            }
            return Ok(());
        }
        Wish::TakeLoan { offer } => {
            let found = node
                .view(term::ADDRESS, &ITerm::offerOfCall { id: offer })
                .await?;
            (found.terms.assetId, format!("offer {offer}"))
        }
        Wish::RepayLoan { loan } => {
            let found = node
                .view(term::ADDRESS, &ITerm::loanOfCall { id: loan })
                .await?;
            (found.assetId, format!("loan {loan}"))
        }
        _ => return Ok(()),
    };
    if id == asset.id {
        return Ok(());
    }
    bail!("{what} is asset #{id}, not {}", asset.symbol)
}

fn there_is(asset: &Asset, wallet: U256, standing: &Standing) -> There {
    let held = standing.holding(asset.id);
    let amount = |of: fn(&capstan_client::Holding) -> &capstan_client::Fixed| {
        held.map_or(U256::ZERO, |held| of(held).amount)
    };
    There {
        asset_id: asset.id,
        decimals: asset.decimals,
        is_coin: asset.token == ether::ADDRESS,
        wallet,
        units: amount(|held| &held.units),
        supplied: amount(|held| &held.supplied),
        owed: amount(|held| &held.owed),
        ..There::default()
    }
}

/// What a wallet holds of an asset.
pub(crate) async fn balance(node: &Node, asset: &Asset, owner: Address) -> Result<U256> {
    if asset.token == ether::ADDRESS {
        return coins(node, owner).await;
    }
    let call = IForeign::balanceOfCall { account: owner };
    Ok(node.view(asset.token, &call).await?)
}

/// Shows what wishes would do, asks, signs, and says what became of it.
pub(crate) async fn one(act: &ActOptions, wishes: Wishes) -> Result<()> {
    let mut doing = Doing::prepare(act, &wishes).await?;
    let (signing, json) = (&act.signing, act.signing.ask.json);
    if !json || signing.preview {
        doing.show(json)?;
    }
    if signing.preview {
        return Ok(());
    }
    let stakes = stakes(&doing.told, &wishes);
    let key = consent::key(&doing.node, signing, doing.name.owner, &stakes).await?;
    for (asset, amount) in std::mem::take(&mut doing.approvals) {
        let approve = IErc20::approveCall {
            spender: ACCOUNT,
            value: amount,
        };
        let call = Call {
            to: asset.token,
            input: approve.abi_encode().into(),
            value_wei: U256::ZERO,
        };
        send(&doing.node, &key, &call).await?;
    }
    let sent = send(&doing.node, &key, &doing.batch.call(doing.name)).await?;
    let (whole, state) = account(&doing.node, doing.name).await?;
    if json {
        println!(
            "{:#}",
            json!({"transaction": sent.to_json(), "account": whole})
        );
        return Ok(());
    }
    println!("{sent}");
    show::line(&state.standing);
    Ok(())
}

/// What a batch takes out, and to whom.
fn stakes(told: &Preview, wishes: &[Step]) -> Stakes {
    let mut stakes = Stakes::of_batch(told);
    for step in wishes {
        if let Step::Move(Wish::Withdraw { to }, _) = step {
            stakes = stakes.receiver(*to);
        }
    }
    stakes
}

async fn history(ask: &AskOptions, owner: Address, index: u8, limit: u32) -> Result<()> {
    let node = Node::new(&ask.rpc)?;
    let (whole, items) =
        capstan_client::history(&node, AccountName { owner, index }, limit).await?;
    if ask.json {
        println!("{whole:#}");
        return Ok(());
    }
    if items.is_empty() {
        println!("nothing has happened to account {index} of {owner}");
        return Ok(());
    }
    let assets = Assets::of(&node).await?;
    for item in &items {
        let at_ms = item.timestamp.to::<u64>().saturating_mul(1_000);
        println!(
            "{}  block {}  {}",
            time(at_ms),
            item.block_number,
            item.words(&assets)
        );
    }
    Ok(())
}
