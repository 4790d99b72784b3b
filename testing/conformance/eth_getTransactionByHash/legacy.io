// a mined transaction
// shape: blockHash
>> {"jsonrpc":"2.0","id":1,"method":"eth_getTransactionByHash","params":["{tx:2:0}"]}
<< {"jsonrpc":"2.0","id":1,"result":{"type":"0x0","chainId":"0x7a69","nonce":"0x0","gasPrice":"0x2540be400","gas":"0x5208","to":"0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc","value":"0x7","input":"0x","r":"0x4534134846fe75840b6b929a768e1871fcf6f59ca92b64c5e6aea3f45577796b","s":"0x3c05d2dcc387dce0cb9762b69fce192ac3b8dda48269ffba7af72d01cd3b3a61","v":"0xf4f6","hash":"0xf69ac30b6ca857a37a9ea27d0ed9c37058e96d84bb020fe8cf5b16eb5dce517d","blockHash":"0x2abd294b627bf738f90c7d225e3035011e791c657c4d2cc92e02b3b1777ed609","blockNumber":"0x2","transactionIndex":"0x0","from":"0x70997970c51812dc3a010c7d01b50e0d17dc79c8","blockTimestamp":"0x6553f114"}}
