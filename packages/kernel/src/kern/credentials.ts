/** Who a process acts for. `kauth(9)`, as far as memory and files need it. */

/** The credentials of a process. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
}

/** The superuser. */
export const ROOT: Credentials = { uid: 0, gid: 0 };

/** An ordinary user. */
export const USER: Credentials = { uid: 1000, gid: 100 };

/** Whether these are the superuser's. */
export function isSuperuser(credentials: Credentials): boolean {
  return credentials.uid === 0;
}
