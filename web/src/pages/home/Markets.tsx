/** Markets in short. */
import { Link } from 'react-router';
import { command, named } from '../../node/commands.ts';
import { useMarkets } from '../../node/queries.ts';
import { shownPercent, shownPrice } from '../../units/quantity.ts';
import { Answer, AssetName, Badge, Card, Empty, Num, Table } from '../../ui/index.ts';

export function Markets() {
  const markets = useMarkets();
  return (
    <Card title="Markets" flush command={command('market list')} aside={<Link to="/markets">All of them</Link>}>
      <Answer of={markets}>
        {(list) =>
          list.length === 0 ? (
            <Empty>No market is listed on this chain yet.</Empty>
          ) : (
            <Table
              caption="Markets in short"
              head={
                <>
                  <th scope="col">Asset</th>
                  <th scope="col">Price</th>
                  <th scope="col">Supply earns</th>
                  <th scope="col">Borrowing costs</th>
                </>
              }
            >
              {list.map((market) => {
                const show = command(`market show ${named(market.symbol, market.assetId)}`);
                return (
                  <tr key={market.assetId}>
                    <th scope="row">
                      <AssetName symbol={market.symbol}>
                        <Link to={`/markets/${market.assetId}`}>{market.symbol}</Link>
                      </AssetName>
                    </th>
                    <td>
                      <Num copy={show} quiet>
                        {market.price ? shownPrice(market.price.spot) : '–'}
                      </Num>
                      {market.price?.usable === false ? (
                        <Badge tone="warn" title={market.price.why ?? undefined}>
                          not usable
                        </Badge>
                      ) : null}
                    </td>
                    <td>
                      <Num copy={show} quiet className="good">
                        {shownPercent(market.supplyRatePerYear)}
                      </Num>
                    </td>
                    <td>
                      <Num copy={show} quiet>
                        {shownPercent(market.borrowRatePerYear)}
                      </Num>
                    </td>
                  </tr>
                );
              })}
            </Table>
          )
        }
      </Answer>
    </Card>
  );
}
