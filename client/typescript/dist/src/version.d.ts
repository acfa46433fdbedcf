/** The package's version, as in package.json and in the workspace's Cargo.toml; a test compares the three. */
export declare const VERSION = "0.1.0";
//# sourceMappingURL=version.d.ts.map