//! ERC-721 with its metadata, the errors of ERC-6093, and the table of verbs.

use alloy_sol_types::sol;

use super::actions;
use IRangePosition::*;

sol! {
    /// Positions of concentrated liquidity as tokens (ERC-721).
    #[sol(abi)]
    #[derive(Debug, PartialEq, Eq)]
    interface IRangePosition {
        /// A position changed hands.
        event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
        /// Somebody may move one position.
        event Approval(address indexed owner, address indexed approved, uint256 indexed tokenId);
        /// Somebody may move all positions of an owner, or no longer.
        event ApprovalForAll(address indexed owner, address indexed operator, bool approved);

        /// There is no such position. Check its number.
        error ERC721NonexistentToken(uint256 tokenId);
        /// The position belongs to somebody else. Name its owner.
        error ERC721IncorrectOwner(address sender, uint256 tokenId, address owner);
        /// The caller may not move this position. Its owner approves him first.
        error ERC721InsufficientApproval(address operator, uint256 tokenId);
        /// Nobody can be asked there: the zero address, or a contract that does not take positions.
        error ERC721InvalidReceiver(address receiver);
        /// The zero address owns nothing.
        error ERC721InvalidOwner(address owner);
        /// Only the owner, or who may move all his positions, approves.
        error ERC721InvalidApprover(address approver);
        /// The zero address operates nothing.
        error ERC721InvalidOperator(address operator);

        /// Whether a standard is answered: ERC-165, ERC-721 and its metadata.
        function supportsInterface(bytes4 interfaceId) external view returns (bool);
        /// Name for people.
        function name() external view returns (string memory);
        /// Short name for people.
        function symbol() external view returns (string memory);
        /// Nothing is said outside the chain: ask `exchange.range`.
        function tokenURI(uint256 tokenId) external view returns (string memory);
        /// How many positions somebody owns.
        function balanceOf(address owner) external view returns (uint256);
        /// Who owns a position.
        function ownerOf(uint256 tokenId) external view returns (address);
        /// Who may move one position, besides its owner.
        function getApproved(uint256 tokenId) external view returns (address);
        /// Whether somebody may move all positions of an owner.
        function isApprovedForAll(address owner, address operator) external view returns (bool);
        /// Lets somebody move one position, until it moves.
        function approve(address to, uint256 tokenId) external;
        /// Lets somebody move all positions of the caller, or no longer.
        function setApprovalForAll(address operator, bool approved) external;
        /// Moves a position.
        function transferFrom(address from, address to, uint256 tokenId) external;
        /// Moves a position; a contract that gets it must agree.
        function safeTransferFrom(address from, address to, uint256 tokenId) external;
        /// The same, with words for the contract.
        function safeTransferFrom(address from, address to, uint256 tokenId, bytes calldata data) external;
    }

    /// Asked of a contract that gets a position.
    interface IReceiver {
        /// Answers its own selector.
        function onERC721Received(address operator, address from, uint256 tokenId, bytes calldata data) external returns (bytes4);
    }
}

crate::verbs! { IRangePositionCalls;
    supportsInterfaceCall: View, 40 => |_, c| Ok(actions::supports(c.interfaceId));
    nameCall: View, 40 => |_, _| Ok("Capstan range position".to_owned());
    symbolCall: View, 40 => |_, _| Ok("RANGE".to_owned());
    tokenURICall: View, 60 => |cx, c| actions::uri(cx, c.tokenId);
    balanceOfCall: View, 60 => |cx, c| actions::count_of(cx, c.owner);
    ownerOfCall: View, 60 => |cx, c| actions::owner_of(cx, c.tokenId);
    getApprovedCall: View, 60 => |cx, c| actions::approved_of(cx, c.tokenId);
    isApprovedForAllCall: View, 60 => |cx, c| actions::is_operator(cx, c.owner, c.operator);
    approveCall: Write, 100 => |cx, c| actions::approve(cx, c.to, c.tokenId);
    setApprovalForAllCall: Write, 100 => |cx, c| actions::set_operator(cx, c.operator, c.approved);
    transferFromCall: Write, 100 => |cx, c| actions::transfer_from(cx, c.from, c.to, c.tokenId);
    safeTransferFrom_0Call: Write, 200 => |cx, c| actions::safe_transfer_from(cx, c.from, c.to, c.tokenId, Default::default());
    safeTransferFrom_1Call: Write, 200 => |cx, c| actions::safe_transfer_from(cx, c.from, c.to, c.tokenId, c.data);
}
