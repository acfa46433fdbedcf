export {};
//# sourceMappingURL=throughput.d.ts.map