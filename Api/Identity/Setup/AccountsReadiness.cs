namespace LlmAspire.Api.Identity.Setup;

/// <summary>Says when accounts can be used: the schema is there, and so is what is made at the first start. Safe to use from several threads.</summary>
internal sealed class AccountsReadiness
{
    private volatile bool _isReady;

    public bool IsReady => _isReady;

    public void SetReady() => _isReady = true;
}
