/** The mark: a capstan from above, its bars turned by a few people. */
export function Mark() {
  const bars = [0, 60, 120, 180, 240, 300];
  return (
    <svg viewBox="0 0 32 32" fill="none" stroke="currentColor" strokeLinecap="round" aria-hidden="true">
      <circle cx="16" cy="16" r="5.25" strokeWidth="2.5" />
      <circle cx="16" cy="16" r="1.25" fill="currentColor" stroke="none" />
      {bars.map((angle) => (
        <path key={angle} d="M16 8.2V2.6" strokeWidth="2.5" transform={`rotate(${angle} 16 16)`} />
      ))}
    </svg>
  );
}
