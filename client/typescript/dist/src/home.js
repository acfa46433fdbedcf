/**
 * A client's home: the endpoint that it begins with, and goes back to.
 *
 * Away from it, the client looks from time to time whether it answers again, and goes back when it does: a server that was
 * restarted gets its clients back, and not the one beside it all of them. One that fails again soon after a return is
 * looked for less and less often. Looks are spread at random, so that clients that were driven out together don't come back
 * in step.
 *
 * Limit: an idle client, without calls and subscriptions, looks at nothing before its next call.
 */
/** The longest mean pause between looks, in milliseconds; and how long a return must last to count as one. */
const LOOK_MS_MAX = 60_000;
/** When a client goes back. */
export class Home {
    returnAfterMs;
    surroundings;
    /** How often it has gone back. What is under way elsewhere sees by it that it should follow. */
    returns = 0;
    #returnedAt = Number.NEGATIVE_INFINITY;
    #pauseMs;
    #lookAt = 0;
    #looking = false;
    /** @param returnAfterMs The mean pause before a look; 0: there are none. */
    constructor(returnAfterMs, surroundings) {
        this.returnAfterMs = returnAfterMs;
        this.surroundings = surroundings;
        this.#pauseMs = returnAfterMs;
    }
    /** The client has left it, because it failed. */
    left() {
        const lasted = this.surroundings.now() - this.#returnedAt;
        this.#pauseMs = lasted < LOOK_MS_MAX ? Math.min(this.#pauseMs * 2, LOOK_MS_MAX) : this.returnAfterMs;
        this.#lookLater();
    }
    /** The client is away, and about to call another: looks, if it is time for it. */
    away() {
        if (this.returnAfterMs > 0 && !this.#looking && this.surroundings.now() >= this.#lookAt) {
            this.#looking = true;
            this.surroundings
                .look()
                .then(() => {
                this.returns += 1;
                this.#returnedAt = this.surroundings.now();
                this.surroundings.goBack();
            }, () => undefined)
                .finally(() => {
                this.#looking = false;
                this.#lookLater();
            });
        }
    }
    #lookLater() {
        this.#lookAt = this.surroundings.now() + this.#pauseMs * (0.5 + this.surroundings.random());
    }
}
//# sourceMappingURL=home.js.map