// a topic that no log has
>> {"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":[{"fromBlock":"0x0","topics":["0xabababababababababababababababababababababababababababababababab"]}]}
<< {"jsonrpc":"2.0","id":1,"result":[]}
