// the bytes
>> {"jsonrpc":"2.0","id":1,"method":"eth_getRawTransactionByHash","params":["{tx:2:0}"]}
<< {"jsonrpc":"2.0","id":1,"result":"0xf866808502540be400825208943c44cdddb6a900fa2b585dd299e03d12fa4293bc078082f4f6a04534134846fe75840b6b929a768e1871fcf6f59ca92b64c5e6aea3f45577796ba03c05d2dcc387dce0cb9762b69fce192ac3b8dda48269ffba7af72d01cd3b3a61"}
