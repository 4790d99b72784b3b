// nobody makes a block: accepted, not included (EIP-7966)
>> {"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransactionSync","params":["{raw:6:0}","0x1"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":4,"message":"the transaction was added to the pool but not included within 1 ms","data":"0xed9fc116c387ed31aa0686e0e208ff29cd0caa0a740bc3c33dc63cd6d8345ce2"}}
