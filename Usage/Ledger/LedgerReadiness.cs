namespace LlmAspire.Usage;

internal sealed class LedgerReadiness : SchemaReadiness<LedgerContext>, ILedgerReadiness;
