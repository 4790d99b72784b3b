//! The interface and its rows, for any [`Book`].

use alloy_sol_types::sol;

use super::{Book, actions};
use crate::contract::Interface;
use IErc721::*;

sol! {
    /// Tokens of which each is one (ERC-721), with their metadata and the errors of ERC-6093.
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IErc721 {
        /// A token changed hands. A new one comes from the zero address.
        event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
        /// Somebody may move one token.
        event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId);
        /// Somebody may move all tokens of an owner, or no longer.
        event ApprovalForAll(address indexed owner, address indexed operator, bool approved);

        /// There is no such token. Check its number.
        error ERC721NonexistentToken(uint256 tokenId);
        /// The token belongs to somebody else. Name its owner.
        error ERC721IncorrectOwner(address sender, uint256 tokenId, address owner);
        /// The caller may not move this token. Its owner approves him first.
        error ERC721InsufficientApproval(address operator, uint256 tokenId);
        /// Nobody can be asked there: the zero address, or a contract that does not take such tokens.
        error ERC721InvalidReceiver(address receiver);
        /// The zero address owns nothing.
        error ERC721InvalidOwner(address owner);
        /// Only the owner, or who may move all his tokens, approves.
        error ERC721InvalidApprover(address approver);
        /// The zero address operates nothing.
        error ERC721InvalidOperator(address operator);

        /// Whether a standard is answered: ERC-165, ERC-721, its metadata, and what the contract adds.
        function supportsInterface(bytes4 interfaceId) external view returns (bool);
        /// Name for people.
        function name() external view returns (string memory);
        /// Short name for people.
        function symbol() external view returns (string memory);
        /// Where more is said about a token; empty where the chain says all.
        function tokenURI(uint256 tokenId) external view returns (string memory);
        /// How many tokens somebody owns.
        function balanceOf(address owner) external view returns (uint256);
        /// Who owns a token.
        function ownerOf(uint256 tokenId) external view returns (address);
        /// Who may move one token, besides its owner.
        function getApproved(uint256 tokenId) external view returns (address);
        /// Whether somebody may move all tokens of an owner.
        function isApprovedForAll(address owner, address operator) external view returns (bool);
        /// Lets somebody move one token, until it moves.
        function approve(address to, uint256 tokenId) external;
        /// Lets somebody move all tokens of the caller, or no longer.
        function setApprovalForAll(address operator, bool approved) external;
        /// Moves a token.
        function transferFrom(address from, address to, uint256 tokenId) external;
        /// Moves a token; a contract that gets it must agree.
        function safeTransferFrom(address from, address to, uint256 tokenId) external;
        /// The same, with words for the contract.
        function safeTransferFrom(address from, address to, uint256 tokenId, bytes calldata data) external;
    }

    /// Asked of a contract that gets a token.
    interface IReceiver {
        /// Answers its own selector.
        function onERC721Received(address operator, address from, uint256 tokenId, bytes calldata data) external returns (bytes4);
    }
}

/// What tools are told about the face.
pub const INTERFACE: Interface = Interface {
    name: "erc721",
    abi: IErc721::abi::contract,
    source: include_str!("abi.rs"),
};

crate::verbs! { face <B: Book> IErc721Calls;
    supportsInterfaceCall: View, 40 => |_, c| Ok(actions::supports::<B>(c.interfaceId));
    nameCall: View, 40 => |_, _| Ok(B::NAME.to_owned());
    symbolCall: View, 40 => |_, _| Ok(B::SYMBOL.to_owned());
    tokenURICall: View, 60 => |cx, c| actions::uri::<B>(cx, c.tokenId);
    balanceOfCall: View, 60 => |cx, c| actions::count_of::<B>(cx, c.owner);
    ownerOfCall: View, 60 => |cx, c| actions::owner_of::<B>(cx, c.tokenId);
    getApprovedCall: View, 60 => |cx, c| actions::approved_of::<B>(cx, c.tokenId);
    isApprovedForAllCall: View, 60 => |cx, c| actions::is_operator::<B>(cx, c.owner, c.operator);
    approveCall: Write, 100 => |cx, c| actions::approve::<B>(cx, c.to, c.tokenId);
    setApprovalForAllCall: Write, 100 => |cx, c| actions::set_operator::<B>(cx, c.operator, c.approved);
    transferFromCall: Write, 100 => |cx, c| actions::transfer_from::<B>(cx, c.from, c.to, c.tokenId);
    safeTransferFrom_0Call: Write, 200 => |cx, c| actions::safe_transfer_from::<B>(cx, c.from, c.to, c.tokenId, Default::default());
    safeTransferFrom_1Call: Write, 200 => |cx, c| actions::safe_transfer_from::<B>(cx, c.from, c.to, c.tokenId, c.data);
}
