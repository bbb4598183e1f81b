using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.Faults;

namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>
/// The built-in model: answers on the question's topic, without knowing anything about it. The same request with the same
/// seed, or the same messages without one, has the same answer.
/// </summary>
internal static class DemoChatModel
{
    /// <summary>Prompt caches are counted in blocks of this many tokens.</summary>
    private const int CacheBlock = 64;

    /// <summary>What the proxy makes up to let another model go on.</summary>
    private const string GoOnPrompt =
        "You are a helpful assistant. You are given a message and an answer to it that broke off. Write the continuation of the answer, without repeating what is there.";

    /// <param name="plan">Its length, when given, makes the answer prose of this many tokens, whatever was asked, its echo makes it the question; it has a say in tools, thinking and caches too.</param>
    public static ModelAnswer Answer(ChatCompletionRequest request, Deployment deployment, FaultPlan? plan = null)
    {
        plan ??= FaultPlan.None;
        var conversation = Conversation.Of(request);
        var random = new Random(Seed(request));

        var (steps, finishReason) = Choice(request, deployment, conversation, plan, random);
        for (var choice = 1; choice < (request.N ?? 1); choice++)
        {
            var (more, reason) = Choice(request, deployment, conversation, plan, random);
            (steps, finishReason) = ([.. steps, new NextChoiceStep(finishReason), .. more], reason);
        }

        return new ModelAnswer(Prompt(conversation, deployment, plan), steps, finishReason);
    }

    private static PromptCounts Prompt(Conversation conversation, Deployment deployment, FaultPlan plan)
    {
        // Mistral's usage has no classes.
        var cached = deployment.Provider == "mistral" ? 0 : Blocks(conversation.EarlierTokens);
        var usual = deployment.Provider == "anthropic" ? Blocks(conversation.PromptTokens - cached) : 0;
        return plan.CacheWrite is { } write
            ? new PromptCounts(conversation.PromptTokens, cached, write.FiveMinutes + write.OneHour, write.OneHour)
            : new PromptCounts(conversation.PromptTokens, cached, usual);
    }

    /// <summary>One answer of those that were asked for; each thinks for itself, and has the whole limit.</summary>
    private static (List<AnswerStep> Steps, string FinishReason) Choice(
        ChatCompletionRequest request, Deployment deployment, Conversation conversation, FaultPlan plan, Random random)
    {
        var reasoning = plan.Thinking ?? ReasoningTokens(deployment.ReasoningEffort, random);
        var (visible, finishReason) = plan switch
        {
            { Length: { } tokens } => (ProseOf(tokens, request, random), "stop"),
            { Echo: { } times } => (Text(UpToStop(string.Concat(Enumerable.Repeat(conversation.Question, times)), request.Stop)), "stop"),
            _ => Visible(request, deployment, conversation, plan, random),
        };
        IEnumerable<AnswerStep> steps = reasoning > 0 ? [new ReasoningStep(reasoning), .. visible] : visible;

        var limit = Math.Min(request.MaxCompletionTokens ?? request.MaxTokens ?? int.MaxValue, deployment.MaxOutputTokens);
        var (kept, cut) = Cut(steps, limit);
        return (kept, cut ? "length" : finishReason);
    }

    /// <summary>Goes on with the answer of another model, as the proxy asks for it: the half answer is part of the prompt.</summary>
    /// <param name="said">By the other.</param>
    /// <param name="rest">What is left to say.</param>
    public static ModelAnswer GoOn(
        ChatCompletionRequest request, Deployment deployment, IEnumerable<AnswerStep> said, IEnumerable<AnswerStep> rest, string finishReason)
    {
        var text = string.Concat(said.OfType<TextStep>().Select(step => step.Text));
        var asked = Answer(request with { Messages = [.. request.Messages, Message("system", GoOnPrompt), Message("assistant", text)] }, deployment);
        return asked with { Steps = [.. asked.Steps.Where(step => step is ReasoningStep), .. rest], FinishReason = finishReason };
    }

    private static ChatMessage Message(string role, string content) =>
        new(role, JsonSerializer.SerializeToElement(content, GatewayJson.Wire.String));

    private static IEnumerable<AnswerStep> ProseOf(int tokens, ChatCompletionRequest request, Random random) =>
        Text(UpToStop(Prose.Write(tokens, random), request.Stop)).Take(tokens);

    private static IEnumerable<TextStep> Text(string text) => Tokenizer.Split(text).Select(piece => new TextStep(piece.Text, piece.Tokens));

    private static (IEnumerable<AnswerStep> Steps, string FinishReason) Visible(
        ChatCompletionRequest request, Deployment deployment, Conversation conversation, FaultPlan plan, Random random)
    {
        if (conversation.ToolRounds < (plan.ToolRounds ?? 1) && ToolChooser.Choose(request, conversation.Question) is { Count: > 0 } tools)
        {
            return (Calls(tools, conversation.Question, deployment.Provider, plan.BrokenArguments, random), "tool_calls");
        }

        var text = request.ResponseFormat switch
        {
            { JsonSchema.Schema: { } schema } => SchemaExample.Generate(schema, conversation.Question),
            { Type: "json_object" } => new JsonObject { ["answer"] = conversation.Question }.ToJsonString(GatewayJson.Wire.Options),
            _ => AnswerComposer.Compose(conversation, random),
        };
        return (Text(UpToStop(text, request.Stop)), "stop");
    }

    private static IEnumerable<AnswerStep> Calls(IReadOnlyList<ToolFunction> tools, string question, string provider, bool broken, Random random)
    {
        var prefix = provider == "anthropic" ? "toolu_" : "call_";
        for (var i = 0; i < tools.Count; i++)
        {
            var index = i;
            yield return new ToolCallStep(index, prefix + RandomId(random), tools[i].Name!);
            var arguments = tools[i].Parameters is { } schema ? SchemaExample.Generate(schema, question) : "{}";
            foreach (var piece in Tokenizer.Split(broken ? arguments[..^1] : arguments))
            {
                yield return new ToolArgumentsStep(index, piece.Text, piece.Tokens);
            }
        }
    }

    private static string UpToStop(string text, JsonElement? stop)
    {
        IEnumerable<string> sequences = stop switch
        {
            { ValueKind: JsonValueKind.String } one => [one.GetString()!],
            { ValueKind: JsonValueKind.Array } many => many.EnumerateArray().Select(item => item.GetString()!),
            _ => [],
        };
        var end = sequences.Where(sequence => sequence.Length > 0)
            .Select(sequence => text.IndexOf(sequence, StringComparison.Ordinal))
            .Where(index => index >= 0)
            .DefaultIfEmpty(text.Length)
            .Min();
        return text[..end];
    }

    /// <summary>Tokens spent before the first visible one, within a third around what the effort asks for.</summary>
    private static int ReasoningTokens(string effort, Random random)
    {
        var typical = effort switch
        {
            "none" => 0,
            "minimal" => 8,
            "low" => 24,
            "medium" => 48,
            _ => 96,
        };
        return typical + random.Next(-typical / 3, (typical / 3) + 1);
    }

    private static (List<AnswerStep> Kept, bool Cut) Cut(IEnumerable<AnswerStep> steps, int limit)
    {
        var kept = new List<AnswerStep>();
        var left = limit;
        foreach (var step in steps)
        {
            if (step.Tokens > left)
            {
                // Thinking can be cut in the middle; an answer then has no text at all, as with real models.
                if (step is ReasoningStep && left > 0)
                {
                    kept.Add(new ReasoningStep(left));
                }

                return (kept, true);
            }

            kept.Add(step);
            left -= step.Tokens;
        }

        return (kept, false);
    }

    private static int Blocks(int tokens) => tokens / CacheBlock * CacheBlock;

    private static int Seed(ChatCompletionRequest request)
    {
        var hash = request.Seed is { } seed
            ? SHA256.HashData(BitConverter.GetBytes(seed))
            : SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', request.Messages.Select(message => $"{message.Role}:{FaultMarker.Remove($"{message.Content}")}"))));
        return BinaryPrimitives.ReadInt32LittleEndian(hash) & int.MaxValue;
    }

    private static string RandomId(Random random) => new(random.GetItems<char>("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789", 24));
}
