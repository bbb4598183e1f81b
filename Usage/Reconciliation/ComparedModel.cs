namespace LlmAspire.Usage;

/// <summary>What a day's comparison found of a model.</summary>
/// <param name="Provider">Empty when nobody knows; so is the model.</param>
/// <param name="DifferingTokens">What differs call by call, whichever side has more.</param>
/// <param name="Share">Of the tokens that either side knows, 0 to 1.</param>
/// <param name="IsNew">The last comparison of the day found something else.</param>
public sealed record ComparedModel(string Provider, string Model, long DifferingTokens, decimal Share, bool IsNew);
