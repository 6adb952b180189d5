// SPDX-License-Identifier: Apache-2.0
#include "services/storage/errors.h"

#include "base/strings.h"

namespace lazuli::storage {

Error account_not_found(std::string_view account) {
  return not_found(cat({"There is no storage account '", account.substr(0, 64), "' here."}),
                   "ResourceNotFound");
}
Error container_not_found() {
  return not_found("The specified container does not exist.", "ContainerNotFound");
}
Error container_already_exists() {
  return conflict("The specified container already exists.", "ContainerAlreadyExists");
}
Error blob_not_found() { return not_found("The specified blob does not exist.", "BlobNotFound"); }
Error blob_already_exists() {
  return conflict("The specified blob already exists.", "BlobAlreadyExists");
}
Error condition_not_met() {
  return precondition_failed("The condition specified using HTTP conditional header(s) is not met.",
                             "ConditionNotMet");
}
Error not_modified() {
  return Error{Code::kNotModified,
               "ConditionNotMet",
               "The condition specified using HTTP conditional header(s) is not met.",
               {},
               {}};
}
Error invalid_range() {
  return Error{Code::kOutOfRange,
               "InvalidRange",
               "The range specified is invalid for the current size of the resource.",
               {},
               {}};
}
Error md5_mismatch() {
  return invalid_argument(
      "The MD5 value specified in the request did not match with the MD5 value calculated by the "
      "server.",
      "Md5Mismatch");
}
Error invalid_md5() {
  return invalid_argument(
      "The MD5 value specified in the request is invalid. MD5 value must be 128 bits and base64 "
      "encoded.",
      "InvalidMd5");
}
Error crc64_mismatch() {
  return invalid_argument(
      "The CRC64 value specified in the request did not match with the CRC64 value calculated by "
      "the server.",
      "Crc64Mismatch");
}
Error invalid_block_id() {
  return invalid_argument("The specified blob or block content is invalid.", "InvalidBlobOrBlock");
}
Error invalid_block_list() {
  return invalid_argument("The specified block list is invalid.", "InvalidBlockList");
}
Error block_list_too_long() {
  return invalid_argument("The block list may not contain more than 50,000 blocks.",
                          "BlockListTooLong");
}
Error block_count_exceeds_limit() {
  return conflict("The uncommitted block count cannot exceed the maximum limit of 100,000 blocks.",
                  "BlockCountExceedsLimit");
}
Error invalid_resource_name() {
  return invalid_argument("The specified resource name contains invalid characters.",
                          "InvalidResourceName");
}
Error resource_name_length() {
  return invalid_argument(
      "The specified resource name length is not within the permissible limits.",
      "OutOfRangeInput");
}
Error invalid_metadata() {
  return invalid_argument(
      "The metadata specified is invalid. It has characters that are not permitted, or it is too "
      "large.",
      "InvalidMetadata");
}
Error invalid_header(std::string_view header) {
  return invalid_argument(
      cat({"The value for one of the HTTP headers is not in the correct format: ", header, "."}),
      "InvalidHeaderValue");
}
Error missing_header(std::string_view header) {
  return invalid_argument(
      cat({"An HTTP header that's mandatory for this request is not specified: ", header, "."}),
      "MissingRequiredHeader");
}
Error invalid_query(std::string_view parameter) {
  return invalid_argument(
      cat({"Value for one of the query parameters specified in the request URI is invalid: ",
           parameter, "."}),
      "InvalidQueryParameterValue");
}
Error invalid_xml() {
  return invalid_argument("XML specified is not syntactically valid.", "InvalidXmlDocument");
}
Error permission_mismatch() {
  return permission_denied(
      "This request is not authorized to perform this operation using this permission.",
      "AuthorizationPermissionMismatch");
}
Error authentication_failed(std::string detail) {
  return permission_denied(
      "Server failed to authenticate the request. Make sure the value of Authorization header is "
      "formed correctly including the signature. " +
          std::move(detail),
      "AuthenticationFailed");
}
Error not_here(std::string_view operation) {
  return unimplemented(cat({operation, " is not available on this server."}));
}

}  // namespace lazuli::storage
