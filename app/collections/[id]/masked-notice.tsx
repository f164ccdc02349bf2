/** That the lines are not quite as the servers wrote them, for people who see no whole address. */
export function MaskedNotice() {
  return (
    <p className="notice" role="note">
      Addresses are masked: each is shown and downloaded as its network, such as 192.0.x.x or 2001:db8:x:x.
    </p>
  )
}
