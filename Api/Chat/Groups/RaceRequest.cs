namespace LlmAspire.Api.Chat.Groups;

/// <summary>A message to several models, of which the first good answer is wanted.</summary>
/// <param name="Models"><inheritdoc cref="CompareRequest" path="/param[@name='Models']"/></param>
/// <param name="Accept">What a good answer is; missing for any that is complete and not blank.</param>
/// <param name="ConversationId"><inheritdoc cref="ChatRequest" path="/param[@name='ConversationId']"/></param>
/// <param name="Message"><inheritdoc cref="ChatRequest" path="/param[@name='Message']"/></param>
/// <param name="Tools"><inheritdoc cref="ChatRequest" path="/param[@name='Tools']"/></param>
/// <param name="ParentMessageId"><inheritdoc cref="ChatRequest" path="/param[@name='ParentMessageId']"/></param>
/// <param name="PromptId"><inheritdoc cref="ChatRequest" path="/param[@name='PromptId']"/></param>
public sealed record RaceRequest(
    Guid? ConversationId, string? Message, IReadOnlyList<string>? Models, IReadOnlyList<string>? Tools, Guid? ParentMessageId, RaceCheck? Accept,
    Guid? PromptId = null);

/// <summary>What an answer needs to win a race, besides being complete (the model's own end, <c>stop</c>) and not blank. All that is given has to hold.</summary>
/// <param name="MinCharacters">UTF-16 code units, without white space around the answer.</param>
/// <param name="Contains">Text that it contains, in this case of letters.</param>
/// <param name="Pattern">A regular expression that matches somewhere: .NET's, without look-around and back-references, so that it takes linear time.</param>
public sealed record RaceCheck(int? MinCharacters, string? Contains, string? Pattern);
