// a hash and a range at once
>> {"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{"blockHash":"{hash:3}","fromBlock":"0x1"}]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid argument 0 (filter): cannot specify both blockHash and fromBlock/toBlock, choose one or the other"}}
