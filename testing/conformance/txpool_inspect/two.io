// in words
>> {"jsonrpc":"2.0","id":1,"method":"txpool_inspect","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":{"pending":{"0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc":{"0":"0x7777777777777777777777777777777777777777: 0 wei + 21000 gas × 100000000000 wei"}},"queued":{"0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc":{"2":"0x7777777777777777777777777777777777777777: 0 wei + 21000 gas × 100000000000 wei"}}}}
