using LlmAspire.Api.Plans;

namespace LlmAspire.Api.Chat;

/// <summary>What a message would use.</summary>
/// <param name="Model">The model that would answer.</param>
/// <param name="PromptTokens">As the tokenizer counts them; the provider's own number can differ a little.</param>
/// <param name="MaxOutputTokens">The output cap that goes with the call.</param>
/// <param name="Reserved">Tokens that the call reserves until it has ended.</param>
/// <param name="Allowance">What the organisation has left; null when its plan has no limit.</param>
/// <param name="Fits">Whether the call would be made now.</param>
public sealed record EstimateResponse(string Model, long PromptTokens, long MaxOutputTokens, long Reserved, AllowanceState? Allowance, bool Fits);
