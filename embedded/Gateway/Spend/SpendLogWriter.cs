using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.Models;
using LlmAspire.DemoGateway.Served;

namespace LlmAspire.DemoGateway.Spend;

/// <summary>Makes spend logs of what was served.</summary>
internal sealed class SpendLogWriter(LiteLlmConfig config)
{
    /// <summary>Of the master key's user, when no other key is there.</summary>
    private const string User = "default_user_id";

    private readonly Dictionary<string, Deployment> _deployments = config.Deployments.DistinctBy(deployment => deployment.Id).ToDictionary(deployment => deployment.Id);
    private readonly string _keyHash = config.MasterKey is { } key ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key))) : "";

    /// <summary>The logs of calls that have ended, but of those that a fault leaves out.</summary>
    public IEnumerable<SpendLog> Write(IEnumerable<(ServedCall Call, SpendLogNote? Note)> calls)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (call, note) in calls.Where(entry => entry.Note?.Missing != true))
        {
            yield return Write(call, note, seen.Add(call.CallId) ? call.CallId : call.Id.ToString());
        }
    }

    private SpendLog Write(ServedCall call, SpendLogNote? note, string requestId)
    {
        // LiteLLM writes a failure down without tokens, whatever the provider counted.
        var served = call.Outcome == ServedOutcome.Failed
            ? call with { PromptTokens = 0, CachedTokens = 0, CacheWriteTokens = 0, CompletionTokens = 0, ReasoningTokens = 0 }
            : call with { CompletionTokens = Math.Max(call.CompletionTokens + (note?.MoreTokens ?? 0), call.ReasoningTokens) };
        var deployment = _deployments.GetValueOrDefault(call.ModelId);
        var end = call.FinishedAt!.Value;
        var status = call.Outcome == ServedOutcome.Failed ? "failure" : "success";
        return new SpendLog(
            requestId,
            "acompletion",
            _keyHash,
            PriceMap.SpendOf(deployment, served),
            served.PromptTokens + served.CompletionTokens,
            served.PromptTokens,
            served.CompletionTokens,
            call.AcceptedAt,
            end,
            end,
            (int)(end - call.AcceptedAt).TotalMilliseconds,
            $"{call.Provider}/{call.ServedModel}",
            call.ModelId,
            call.Alias,
            call.Provider,
            deployment is null ? "" : LiteLlmHeaders.ApiBase(deployment),
            User,
            note?.EndUser ?? "",
            "False",
            "Cache OFF",
            [],
            status,
            new JsonObject
            {
                ["status"] = status,
                ["spend_logs_metadata"] = note?.Metadata?.DeepClone(),
                ["litellm_call_id"] = call.CallId,
            });
    }
}
