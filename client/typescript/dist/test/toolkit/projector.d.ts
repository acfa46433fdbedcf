export {};
//# sourceMappingURL=projector.d.ts.map