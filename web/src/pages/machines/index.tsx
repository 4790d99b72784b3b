/** Machines: the fleet, one of them with its finance, the market of loans that their income carries, and how one comes. */
import { NavLink, Route, Routes } from 'react-router';
import { Empty, Page } from '../../ui/index.ts';
import { CasePage } from './Case.tsx';
import { Fleet } from './Fleet.tsx';
import { Loans } from './Loans.tsx';
import { MachinePage } from './Machine.tsx';
import { Register } from './Register.tsx';
import './machines.css';

export default function Machines() {
  return (
    <Routes>
      <Route
        index
        element={
          <Page
            title="Machines"
            lead="A machine is a key with a bond behind its word. Its state follows from what was seen of it, and from nothing that anybody says."
          >
            <Rooms />
            <Fleet />
          </Page>
        }
      />
      <Route
        path="loans"
        element={
          <Page
            title="Machine loans"
            lead="Lenders put units into a market; machines borrow from it against what they verifiably earned, net of power. Their income pays the debt before it reaches anybody else."
          >
            <Rooms />
            <Loans />
          </Page>
        }
      />
      <Route
        path="register"
        element={
          <Page
            title="Add a machine"
            lead="The machine’s own key has to agree, and never leaves the machine: so the machine begins, and your wallet pays the bond."
          >
            <Rooms />
            <Register />
          </Page>
        }
      />
      <Route path="case/:id" element={<CasePage />} />
      <Route path=":id" element={<MachinePage />} />
      <Route
        path="*"
        element={
          <Page title="Nothing is here">
            <Empty action={<a href="#/machines">To the machines</a>}>This address names no machine.</Empty>
          </Page>
        }
      />
    </Routes>
  );
}

const ROOMS = [
  ['/machines', 'The fleet'],
  ['/machines/loans', 'Loans'],
  ['/machines/register', 'Add a machine'],
] as const;

function Rooms() {
  return (
    <nav className="rooms" aria-label="Of machines">
      {ROOMS.map(([path, words]) => (
        <NavLink key={path} to={path} end>
          {words}
        </NavLink>
      ))}
    </nav>
  );
}
